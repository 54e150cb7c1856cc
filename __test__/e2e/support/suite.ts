// A file of end-to-end tests: one world, made with the first test that can run, taken down after the last one.
import test, { type ExecutionContext } from 'ava'
import { World } from './netns.js'
import { stopAll } from './processes.js'
import { missing, type Need } from './skip.js'

type Body<Context> = (t: ExecutionContext, context: Context) => Promise<void>

/** `setup` makes what the tests of the file share. Returns the function that declares a test; tests run one after the other. */
export function suite<Context>(needs: readonly Need[], setup: (world: World) => Promise<Context>) {
  let world: World | undefined
  let context: Promise<Context> | undefined

  test.after.always('what was started is ended', async () => {
    await stopAll()
    world?.destroy()
  })

  return (title: string, body: Body<Context>, more: readonly Need[] = []): void => {
    test.serial(title, async (t) => {
      const reason = missing([...needs, ...more])
      if (reason) {
        t.log(`skipped: ${reason}`)
        t.pass()
        return
      }
      const begin = performance.now()
      if (!context) {
        world = new World()
        context = setup(world)
      }
      await body(t, await context)
      t.log(`${((performance.now() - begin) / 1000).toFixed(1)} s`)
    })
  }
}
