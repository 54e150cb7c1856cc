// TCP sockets that libuv takes for connected though Linux has only announced an error.
import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import test from 'ava'
import { connectSocket } from '../../src/transports/socket.js'

/** A server; and sockets have no other end until this is called, as in the moment between the announcement and the error. */
async function announced(): Promise<{ port: number; accepted: Promise<Socket>; over: () => void }> {
  const server = createServer()
  const accepted = once(server, 'connection').then(([socket]) => socket as Socket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // Node's name for the system call behind `remoteAddress`, which itself cannot be changed.
  const sockets = Socket.prototype as unknown as { _getpeername(): object }
  const own = sockets._getpeername
  sockets._getpeername = () => ({})
  const over = () => {
    sockets._getpeername = own
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, accepted, over }
}

test.serial('a socket without another end is not connected: the error that was announced is the answer', async (t) => {
  const { port, accepted, over } = await announced()
  try {
    const attempt = t.throwsAsync(connectSocket('127.0.0.1', port), { code: 'ECONNRESET' })
    const socket = await accepted
    // Not before the client has been told that it is connected, which it was as early as the server.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((later) => setImmediate(later))
    socket.resetAndDestroy()
    await attempt
  } finally {
    over()
  }
})

test.serial('where the error does not come, the host is as unreachable', async (t) => {
  const { port, accepted, over } = await announced()
  try {
    await t.throwsAsync(connectSocket('127.0.0.1', port), { code: 'EHOSTUNREACH' })
    const socket = await accepted
    socket.destroy()
  } finally {
    over()
  }
})

test.serial('a socket with another end is connected', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const pipe = await connectSocket('127.0.0.1', port)
  t.deepEqual(pipe.remote, { address: '127.0.0.1', port, family: 4 })
  pipe.close()
  server.close()
})

test.serial('an attempt that is given up before it begins is none; one that is over cannot be given up', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await t.throwsAsync(connectSocket('127.0.0.1', port, { signal: AbortSignal.abort() }), { code: 'ECANCELED' })
  const attempt = new AbortController()
  const pipe = await connectSocket('127.0.0.1', port, { signal: attempt.signal })
  attempt.abort()
  t.false(pipe.duplex.destroyed)
  pipe.reset()
  server.close()
})
