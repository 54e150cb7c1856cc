// regular: where it listens, what arrives, and ports that are taken.
import { connect, createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import test, { type ExecutionContext } from 'ava'
import type { ModeContext, RunningMode } from '../../src/modes/mode.js'
import { regular } from '../../src/modes/regular.js'
import { parseSpec } from '../../src/modes/spec.js'
import { modeContext, until } from '../support/mode-context.js'

async function start(t: ExecutionContext, spec: string, context: ModeContext): Promise<RunningMode> {
  const running = await regular.start(parseSpec(spec), context)
  t.teardown(() => running.close())
  return running
}

function dial(port: number, host = '127.0.0.1'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => resolve(socket))
    socket.once('error', reject)
  })
}

test('listens on 127.0.0.1 alone, unless it is told otherwise', async (t) => {
  const own = await start(t, 'regular@0', modeContext(t))
  t.is(own.listeners[0]?.host, '127.0.0.1')
  t.is(own.listeners.length, 1)
  const option = await start(t, 'regular@0', modeContext(t, { listen_host: '127.0.0.2' }))
  t.is(option.listeners[0]?.host, '127.0.0.2')
  const spec = await start(t, 'regular@127.0.0.3:0', modeContext(t, { listen_host: '127.0.0.2' }))
  t.is(spec.listeners[0]?.host, '127.0.0.3')
  const name = await start(t, 'regular@localhost:0', modeContext(t))
  t.is(name.listeners[0]?.host, '127.0.0.1')
  const all = await start(t, 'regular@:0', modeContext(t))
  t.regex(all.listeners[0]?.host ?? '', /^(::|0\.0\.0\.0)$/)
  const { port = 0 } = all.listeners[0] ?? {}
  t.true(port > 0)
  ;(await dial(port)).destroy()
})

test('the addresses of a client are plain: IPv4 that came by an IPv6 socket is IPv4, and there is no zone', async (t) => {
  const own = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? []).map((one) => ({ name, ...one })),
  )
  if (!own.some(({ family }) => family === 'IPv6')) {
    t.pass('this machine has no IPv6')
    return
  }
  const context = modeContext(t)
  const running = await start(t, 'regular@[::]:0', context)
  const linkLocal = own.find(({ address, scopeid }) => scopeid && address.startsWith('fe80:'))
  const hosts = ['127.0.0.1', '::1', ...(linkLocal ? [`${linkLocal.address}%${linkLocal.name}`] : [])]
  for (const [index, host] of hosts.entries()) {
    const socket = await dial(running.listeners[0]?.port ?? 0, host)
    t.teardown(() => socket.destroy())
    await until(() => context.arrivals.length === index + 1)
    const arrival = context.arrivals[index]?.arrival
    const transport = arrival?.accept()
    t.teardown(() => transport?.reset())
    const address = host.replace(/%.*/, '')
    const family = index === 0 ? 4 : 6
    for (const end of [arrival?.source, arrival?.destination, transport?.remote, transport?.local]) {
      t.is(end?.address, address)
      t.is(end?.family, family)
    }
  }
})

test('the port is the spec’s, then the option’s, then the mode’s', async (t) => {
  const free = await start(t, 'regular@0', modeContext(t))
  const { port = 0 } = free.listeners[0] ?? {}
  await free.close()
  const option = await start(t, 'regular', modeContext(t, { listen_port: port }))
  t.is(option.listeners[0]?.port, port)
  const spec = await start(t, 'regular@0', modeContext(t, { listen_port: port }))
  t.not(spec.listeners[0]?.port, port)
})

test('a client arrives with both ends, and nothing that it has said is lost before it is accepted', async (t) => {
  const context = modeContext(t)
  const running = await start(t, 'regular@:0', context)
  const { port = 0 } = running.listeners[0] ?? {}
  const socket = await dial(port)
  socket.write('hello')
  await until(() => context.arrivals.length === 1)
  const [{ mode, arrival } = t.fail() as never] = context.arrivals
  t.is(mode, running)
  t.is(arrival.transport, 'tcp')
  t.deepEqual(arrival.source, { address: '127.0.0.1', port: socket.localPort ?? 0, family: 4 })
  t.deepEqual(arrival.destination, { address: '127.0.0.1', port, family: 4 })
  t.is(arrival.peer, undefined)
  t.is(arrival.entrance.ownResolver, undefined)
  await new Promise((later) => setTimeout(later, 30))
  const pipe = arrival.accept()
  const heard: string[] = []
  pipe.receiver = {
    handleData: (data) => heard.push(`${data}`),
    handleEnd: () => heard.push('end'),
    handleDrain() {},
    handleClose: () => heard.push('close'),
  }
  socket.end()
  await until(() => heard.includes('end'))
  t.deepEqual(heard, ['hello', 'end'], 'a half-close is none of a close')
  pipe.write(Buffer.from('still there'))
  pipe.end()
  const answer: Buffer[] = []
  for await (const data of socket) answer.push(data)
  t.is(`${Buffer.concat(answer)}`, 'still there')
})

test('a client that is refused is reset', async (t) => {
  const context = modeContext(t)
  const running = await start(t, 'regular@0', context)
  const socket = await dial(running.listeners[0]?.port ?? 0)
  const error = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve))
  await until(() => context.arrivals.length === 1)
  context.arrivals[0]?.arrival.refuse('prohibited')
  t.is((await error).code, 'ECONNRESET')
})

test('closing does not wait for the clients that are there, and frees the port', async (t) => {
  const context = modeContext(t)
  const running = await start(t, 'regular@0', context)
  const { port = 0 } = running.listeners[0] ?? {}
  const socket = await dial(port)
  await until(() => context.arrivals.length === 1)
  await running.close()
  await t.throwsAsync(dial(port), { code: 'ECONNREFUSED' })
  t.false(socket.destroyed)
  socket.destroy()
})

test('a port that is taken: another spec is suggested where the port was nobody’s wish', async (t) => {
  const other = createServer()
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  const spec = parseSpec('regular')
  for (const [specs, instead] of [
    [[spec], `--mode regular@${port + 2}`],
    [[parseSpec('wireguard'), spec], `--mode wireguard --mode regular@${port + 2}`],
  ] as const) {
    const error = await t.throwsAsync(regular.start(spec, modeContext(t, { listen_port: port }, specs)), {
      code: 'ERR_ADDRESS_IN_USE',
    })
    t.true(error?.message.startsWith(`TCP 127.0.0.1:${port} is in use (try ${instead}):`), error?.message)
  }
  const own = await t.throwsAsync(regular.start(parseSpec(`regular@${port}`), modeContext(t)), {
    code: 'ERR_ADDRESS_IN_USE',
  })
  t.false(own?.message.includes('--mode'))
  await t.throwsAsync(regular.start(parseSpec('regular@192.0.2.199:0'), modeContext(t)), {
    code: 'ERR_ADDRESS_NOT_AVAILABLE',
  })
})

test('a host name that cannot be found is no address to listen on', async (t) => {
  const error = await t.throwsAsync(regular.start(parseSpec('regular@no-such.invalid:0'), modeContext(t)), {
    code: 'ERR_ADDRESS_NOT_AVAILABLE',
  })
  t.regex(
    error?.message ?? '',
    /^mode "regular@no-such\.invalid:0": the host name "no-such\.invalid" to listen on cannot be found: /,
  )
})
