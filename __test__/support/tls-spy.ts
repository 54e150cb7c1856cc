// Stands in the way between a TLS client and a TLS server, and reads the records that pass (RFC 5246, 6.2.1).
import { connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { bind } from './talk.js'

/** Types of records. */
export const ALERT = 21

export interface Passed {
  /** The types of the records, and at its end `fin` or `reset`. */
  readonly ends: Promise<(number | 'fin' | 'reset')[]>
  readonly types: (number | 'fin' | 'reset')[]
}

export interface Spy {
  readonly port: number
  /** For each connection, what the server's side has sent to the client's. */
  readonly toClient: Passed[]
  /** For each connection, what the client's side has sent to the server's. */
  readonly toServer: Passed[]
}

/** A way to a port of 127.0.0.1. */
export async function spyOn(t: ExecutionContext, to: number): Promise<Spy> {
  const toClient: Passed[] = []
  const toServer: Passed[] = []
  const port = await bind(
    t,
    createServer({ allowHalfOpen: true }, (client) => {
      const server = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
      toServer.push(watch(client, server))
      toClient.push(watch(server, client))
      t.teardown(() => {
        client.destroy()
        server.destroy()
      })
    }),
  )
  return { port, toClient, toServer }
}

function watch(from: Socket, to: Socket): Passed {
  const types: Awaited<Passed['ends']> = []
  let rest = Buffer.alloc(0)
  const ends = new Promise<typeof types>((resolve) => {
    from.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      for (;;) {
        const length = rest.length < 5 ? Number.POSITIVE_INFINITY : 5 + rest.readUInt16BE(3)
        if (rest.length < length) break
        types.push(rest[0] ?? 0)
        rest = rest.subarray(length)
      }
      to.write(data)
    })
    from.on('end', () => {
      types.push('fin')
      to.end()
      resolve(types)
    })
    from.on('error', () => {
      types.push('reset')
      to.resetAndDestroy()
      resolve(types)
    })
  })
  return { ends, types }
}
