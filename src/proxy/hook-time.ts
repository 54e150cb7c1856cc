// The time that addons have for a hook, or for a piece of a body. It rests while the user holds the flow.

/** A clock is looked at so many times within a hook's time: a flow that is intercepted at that moment loses none. */
const LOOKS = 30

/** What has a time limit that may rest. */
interface Held {
  readonly intercepted: boolean
}

export class HookTime {
  /** Milliseconds that a hook may take (option `hook_timeout`); 0: as long as it likes. */
  milliseconds = 30_000

  /**
   * Waits for what an addon has returned; rejects where that takes longer than `milliseconds`. The time in which `flow` is intercepted
   * does not count.
   */
  async within<T>(result: PromiseLike<T>, flow?: Held): Promise<T> {
    const { milliseconds } = this
    if (milliseconds === 0) return await result
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_, reject) => {
      let left = LOOKS
      const look = () => {
        if (!flow?.intercepted) left -= 1
        if (left > 0) timer = setTimeout(look, milliseconds / LOOKS).unref()
        else reject(new Error(`it has not answered within ${milliseconds / 1000} s`))
      }
      timer = setTimeout(look, milliseconds / LOOKS).unref()
    })
    try {
      return await Promise.race([result, timeout])
    } finally {
      clearTimeout(timer)
    }
  }
}
