// A port that a firewall turns connections to: where each was to go is found out, at once or after a while.
import { connect, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { entranceTo, startListener, type Turned } from '../../src/modes/listener.js'
import { parseSpec } from '../../src/modes/spec.js'
import { transparent } from '../../src/modes/transparent.js'
import { modeContext, until } from '../support/mode-context.js'

const destination = { address: '192.0.2.1', port: 443, family: 4 } as const
const spec = parseSpec('transparent@127.0.0.1:0')
const there: Turned = { entrance: entranceTo(destination, 'tcp', spec), destination }

/** A listener whose look-ups are answered by `answer`, and a client that has sent a few bytes. */
async function begun(t: ExecutionContext) {
  const context = modeContext(t)
  let answer: (found: Turned | undefined) => void = () => {}
  const ports: number[] = []
  const sockets: Socket[] = []
  const turned = (socket: Socket, port: number) => {
    ports.push(port)
    sockets.push(socket)
    return new Promise<Turned | undefined>((resolve) => (answer = resolve))
  }
  const running = await startListener(spec, transparent, context, { layer: 'reach' }, { turned, mark: 7 })
  t.teardown(() => running.close())
  t.is(running.mark, 7)
  const port = running.listeners[0]?.port ?? 0
  const client = connect(port, '127.0.0.1')
  client.on('error', () => {})
  t.teardown(() => client.destroy())
  client.write('early')
  await until(() => ports.length > 0)
  t.deepEqual(ports, [port])
  return { context, client, sockets, answer: (found: Turned | undefined) => answer(found) }
}

test('what the client sends meanwhile is there when the connection is accepted', async (t) => {
  const { context, client, answer } = await begun(t)
  client.end('.')
  t.deepEqual(context.arrivals, [])
  answer(there)
  await until(() => context.arrivals.length > 0)
  const [{ arrival } = t.fail() as never] = context.arrivals
  t.deepEqual(arrival.destination, destination)
  t.deepEqual(arrival.entrance.destination, { host: '192.0.2.1', port: 443, transport: 'tcp' })
  let heard = ''
  let ended = false
  arrival.accept().receiver = {
    handleData: (data) => (heard += data),
    handleEnd: () => (ended = true),
    handleDrain() {},
    handleClose() {},
  }
  await until(() => ended)
  t.is(heard, 'early.')
})

test('a client whose destination is unknown is reset; one that has left is forgotten', async (t) => {
  const unknown = await begun(t)
  unknown.answer(undefined)
  await until(() => unknown.client.destroyed)
  t.deepEqual(unknown.context.arrivals, [])
  const left = await begun(t)
  left.client.resetAndDestroy()
  await until(() => left.sockets[0]?.destroyed === true)
  left.answer(there)
  await new Promise((later) => setImmediate(later))
  t.deepEqual(left.context.arrivals, [])
})
