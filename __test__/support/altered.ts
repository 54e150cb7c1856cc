// A stream over a socket that changes how the bytes of one side leave: in pieces, in one piece, or only so many of them.
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** What leaves for the bytes of a write. */
export type Alter = (data: Buffer, socket: Socket) => void

/** The bytes leave as `alter` says; what comes is as it was. */
export function altered(socket: Socket, alter: Alter): Duplex {
  socket.removeAllListeners('data')
  const stream = new Duplex({
    read: () => socket.resume(),
    write(data: Buffer, _, done) {
      if (!socket.destroyed) alter(data, socket)
      done()
    },
    final(done) {
      socket.end()
      done()
    },
    destroy(_, done) {
      socket.destroy()
      done(null)
    },
  })
  socket.on('data', (data) => {
    if (!stream.push(data)) socket.pause()
  })
  socket.on('end', () => stream.push(null))
  socket.on('error', () => {})
  socket.on('close', () => stream.destroy())
  return stream
}

/** Each byte in a segment of its own. */
export const byBytes: Alter = (data, socket) => {
  socket.setNoDelay(true)
  for (let at = 0; at < data.length; at++) socket.write(data.subarray(at, at + 1))
}

/** The first write in two segments; the second one leaves in a later turn. */
export function inTwo(): Alter {
  let isFirst = true
  return (data, socket) => {
    socket.setNoDelay(true)
    const half = isFirst ? data.length >> 1 : data.length
    isFirst = false
    socket.write(data.subarray(0, half))
    if (half < data.length) setImmediate(() => socket.write(data.subarray(half)))
  }
}

/** What is written in a few turns leaves in one segment. */
export function together(): Alter {
  let waiting: Buffer[] = []
  const leave = (socket: Socket, turns: number) => {
    setImmediate(() => {
      if (turns > 0) leave(socket, turns - 1)
      else {
        if (!socket.destroyed) socket.write(Buffer.concat(waiting))
        waiting = []
      }
    })
  }
  return (data, socket) => {
    waiting.push(data)
    if (waiting.length === 1) leave(socket, 5)
  }
}

/** After so many bytes the connection ends, or is reset. */
export function cutAfter(bytes: number, how: 'end' | 'reset'): Alter {
  let left = bytes
  return (data, socket) => {
    if (left <= 0) return
    socket.write(data.subarray(0, left), () => {
      if (left > 0) return
      if (how === 'end') socket.end()
      else socket.resetAndDestroy()
    })
    left -= data.length
  }
}
