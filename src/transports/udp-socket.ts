// A bound UDP socket: datagrams with the addresses that they have come from, and answers to these.
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { hostPort } from '../addresses.js'
import { listenFailure } from './socket.js'

/** Bytes of answers that wait in Node because the kernel takes none now; the newest are dropped beyond it. */
const MAX_SENDING_BYTES = 1024 * 1024

export interface BoundUdp {
  readonly host: string
  readonly port: number
  /** Sends a datagram, of one part or several. Throws where too many wait to be sent. */
  send(parts: readonly Uint8Array[], address: string, port: number): void
  /** Fulfilled when the port is free. A second call does no more. */
  close(): Promise<void>
}

/** Called with a datagram, and with the address that has sent it as the system names it: IPv4 in IPv6 stays that. */
export type Received = (data: Buffer, address: string, port: number) => void

/** Binds; `port` 0 takes a free one. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION. */
export function bindUdp({ host, port }: { host: string; port: number }, received: Received): Promise<BoundUdp> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      reject(listenFailure(error, `UDP ${hostPort(host, port)}`))
    })
    socket.bind({ address: host, port, exclusive: true }, () => {
      // An ICMP error for an answer is no reason to stop.
      socket.removeAllListeners('error').on('error', () => {})
      const own = socket.address()
      let closed: Promise<void> | undefined
      socket.on('message', (data, from) => received(data, from.address, from.port))
      resolve({
        host: own.address,
        port: own.port,
        send(parts, address, to) {
          const length = parts.reduce((sum, part) => sum + part.length, 0)
          if (socket.getSendQueueSize() + length > MAX_SENDING_BYTES)
            throw new Error('too many answers wait to be sent')
          socket.send(parts, to, address, () => {})
        },
        close() {
          closed ??= new Promise((done) => socket.close(() => done()))
          return closed
        },
      })
    })
  })
}
