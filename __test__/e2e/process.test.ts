// The process of a client in another network namespace is none of this machine's. An address of this machine comes and goes here, so no
// other test may run beside it.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { get, ok, startProxy } from '../support/proxy.js'
import { listen } from '../support/talk.js'

const server = (t: ExecutionContext) => listen(t, (talk) => talk.socket.on('data', () => talk.says(ok('hello'))))

const canUnshare = (() => {
  try {
    execFileSync('unshare', ['-n', 'true'], { stdio: 'ignore' })
    execFileSync('ip', ['-V'], { stdio: 'ignore' })
    return process.getuid?.() === 0
  } catch {
    return false
  }
})()

;(canUnshare ? test.serial : test.skip)('a client in another network namespace is not on this machine', async (t) => {
  const run = (command: string, ...more: string[]) => execFileSync(command, more)
  const [name, link] = [`mwp${process.pid}`, `mwp${process.pid % 100_000}`]
  const address = `10.213.${process.pid % 250}`
  run('ip', 'netns', 'add', name)
  t.teardown(() => run('ip', 'netns', 'delete', name))
  run('ip', 'link', 'add', `${link}a`, 'type', 'veth', 'peer', 'name', `${link}b`, 'netns', name)
  run('ip', 'address', 'add', `${address}.1/24`, 'dev', `${link}a`)
  run('ip', 'link', 'set', `${link}a`, 'up')
  run('ip', '-n', name, 'address', 'add', `${address}.2/24`, 'dev', `${link}b`)
  run('ip', '-n', name, 'link', 'set', `${link}b`, 'up')
  const running = await startProxy(t, { modes: [`regular@${address}.1:0`], options: { client_process: 'on' } })
  const { port } = await server(t)
  const script = `require('node:net').connect(${running.port}, '${address}.1').on('error', () => {}).write(${JSON.stringify(get(port))})`
  const outside = spawn('ip', [
    'netns',
    'exec',
    name,
    process.execPath,
    '-e',
    `${script}; setTimeout(() => process.exit(), 1000)`,
  ])
  const flow = await running.flow('http')
  t.is(flow.client.remote.address, `${address}.2`)
  t.is(flow.client.process, undefined)
  await once(outside, 'close')
  // The same mode, from here.
  const near = spawn(process.execPath, ['-e', `${script}; setTimeout(() => {}, 60000)`])
  t.teardown(() => near.kill())
  t.is((await running.flow('http', 1)).client.process?.pid, near.pid)
})
