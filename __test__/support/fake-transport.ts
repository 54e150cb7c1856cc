// A transport without a network: what is done to it is noted, and the test says what happens.
import { DIRECT } from '../../src/flow/via.js'
import type { Route } from '../../src/layers/route.js'
import type { Dialled } from '../../src/proxy/dial.js'
import { type Impairment, noReceiver, type Receiver, type StreamTransport } from '../../src/transports/transport.js'

export class FakeTransport implements StreamTransport {
  readonly local = undefined
  readonly remote = undefined
  receiver: Receiver = noReceiver
  /** What was done, in order. */
  readonly did: string[] = []
  /** What `write` answers. */
  takes = true

  get duplex(): never {
    return { destroy: () => this.did.push('destroyed') } as never
  }

  get lowest(): never {
    return this.duplex
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

/** A transport that makes its packets itself. */
export class FakePackets extends FakeTransport {
  impair(impairment: Impairment | undefined): boolean {
    this.did.push(impairment ? `impaired ${impairment.loss} ${impairment.latency}` : 'mended')
    return true
  }
}

/** To the same place, directly and without TLS. */
export const ROUTE: Route = { to: PLACE, via: DIRECT, tls: undefined }

/** A server connection on a fake transport. */
export function fakeDialled(id = 'server'): Dialled & { readonly transport: FakeTransport } {
  return { transport: new FakeTransport(), connection: { id, ...PLACE } }
}
