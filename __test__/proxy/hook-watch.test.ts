// The watch over hooks: an endless loop in one is named by another thread, in a process that stands still for good.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'

/** Runs a program that stands still, until it says why. */
async function saidBy(t: ExecutionContext, program: string): Promise<string> {
  const url = (file: string) => JSON.stringify(pathToFileURL(resolve('build/src/proxy', file)).href)
  const text = `const { Dispatcher } = await import(${url('dispatch.js')})
const dispatcher = new Dispatcher(() => {})
const stuck = () => { for (;;); }
dispatcher.watch.start(50, 3)
${program}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'ignore', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [said] = (await once(child.stderr, 'data')) as [Buffer]
  return String(said)
}

test('the hook that does not return is named, with its addon', async (t) => {
  const said = await saidBy(
    t,
    `dispatcher.add({ name: 'other', done() {} })
dispatcher.add({ name: 'mine', running: stuck })
dispatcher.run('done')
dispatcher.run('running')`,
  )
  t.is(said, 'midwire has stood still for 0.15 s: the hook running of addon mine does not return (an endless loop?)\n')
})

test('a loop after an await is led back to the hook that ran last', async (t) => {
  const program = `dispatcher.add({ name: 'mine', async running() { await null; stuck() } })
dispatcher.run('running')`
  t.regex(
    await saidBy(t, program),
    /: no hook runs; the last one was the hook running of addon mine, perhaps after an await\n$/,
  )
})
