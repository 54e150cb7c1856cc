// The streams that the command writes to: whether they have colours, and when they have written everything.

/** The part of `process.stdout` that the command uses, so that a test can pass a stream of its own. */
export interface Stream {
  write(text: string | Uint8Array): unknown
  /** Of a stream that takes no more for a while, and then says so. */
  once?(event: 'drain' | 'close' | 'error', listener: () => void): unknown
  off?(event: 'drain' | 'close' | 'error', listener: () => void): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly writableLength?: number
}

export interface Streams {
  readonly stdout: Stream
  readonly stderr: Stream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds. Default: the clock of the process. */
  readonly now?: (() => number) | undefined
}

/** Whether to colour: the flag decides, else FORCE_COLOR, else NO_COLOR (https://no-color.org), else whether the terminal can. */
export function wantsColor(stream: Stream, env: Streams['env'], flag?: boolean): boolean {
  if (flag !== undefined) return flag
  const { FORCE_COLOR, NO_COLOR, TERM } = env
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return !NO_COLOR && stream.isTTY === true && TERM !== 'dumb'
}

/** Fulfilled when the stream has passed on everything, or is destroyed. */
export function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve()
    else stream.write('', () => resolve())
  })
}

/** Writes, and is fulfilled when the stream can take more, or nothing any more. */
export async function put(stream: Stream, bytes: string | Uint8Array): Promise<void> {
  if (stream.write(bytes) !== false || !stream.once) return
  const events = ['drain', 'close', 'error'] as const
  await new Promise<void>((resolve) => {
    const over = () => {
      for (const event of events) stream.off?.(event, over)
      resolve()
    }
    for (const event of events) stream.once?.(event, over)
  })
}

export const delay = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
