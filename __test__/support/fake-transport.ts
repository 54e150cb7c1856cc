// A transport without a network: what is done to it is noted, and the test says what happens.
import type { Pooled } from '../../src/proxy/pool.js'
import { deaf, type Receiver, type StreamTransport } from '../../src/transports/transport.js'

export class FakeTransport implements StreamTransport {
  readonly local = undefined
  readonly remote = undefined
  receiver: Receiver = deaf
  /** What was done, in order. */
  readonly did: string[] = []
  /** What `write` answers. */
  takes = true

  get duplex(): never {
    return { destroy: () => this.did.push('destroyed') } as never
  }

  write(data: Uint8Array): boolean {
    this.did.push(`wrote ${Buffer.from(data).toString('latin1')}`)
    return this.takes
  }

  end(): void {
    this.did.push('ended')
  }

  close(): void {
    this.did.push('closed')
  }

  reset(): void {
    this.did.push('reset')
  }

  pause(): void {
    this.did.push('paused')
  }

  resume(): void {
    this.did.push('resumed')
  }

  detach(): never {
    this.did.push('detached')
    return this.duplex
  }
}

export const PLACE = { host: 'a.test', port: 443, transport: 'tcp' } as const

/** A server connection on a fake transport. */
export function fakePooled(id = 'server'): Pooled & { readonly transport: FakeTransport } {
  return { transport: new FakeTransport(), connection: { id, ...PLACE } }
}
