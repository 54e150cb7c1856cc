// The client's end of an exchange, where the client speaks HTTP/2.
import type { HttpRequest, HttpResponse } from '../../../flow/http.js'
import { announceNoBody, isBodiless } from '../answer.js'
import type { ClientEnd, Framing, Inlet, InterimHead, Outlet } from '../ends.js'
import { planLength } from '../plan.js'
import { finishStream, Http2Inlet, Http2Outlet } from './body-ends.js'
import { checkFields } from './hpack-encoder.js'
import { responseFields, sending, trailerFields } from './messages.js'
import type { StreamChannel } from './stream-channel.js'

export class Http2Client implements ClientEnd {
  readonly channel: StreamChannel
  readonly framing: Framing
  readonly body: Inlet | undefined
  readonly #request: HttpRequest
  persistent = true

  constructor(channel: StreamChannel, request: HttpRequest, framing: Framing) {
    this.channel = channel
    this.framing = framing
    this.#request = request
    this.body = framing.kind === 'none' ? undefined : new Http2Inlet(this.channel, 'request')
  }

  leave(): void {
    this.persistent = false
  }

  askForBody(): void {
    this.#head([':status', '100'], false)
  }

  sendInterim(head: InterimHead): void {
    // HTTP/2 has no 101 (RFC 9113, 8.6).
    if (head.status !== 101) this.#head(responseFields(head), false)
  }

  sendWhole(response: HttpResponse, framing: Framing): void {
    const { method } = this.#request
    if (method === 'CONNECT' && response.status < 300) {
      this.#head(responseFields(response), false)
      return
    }
    announceNoBody(response, framing)
    const bodiless = method === 'HEAD' || isBodiless(response.status)
    if (!bodiless) planLength(response, framing)
    const content = bodiless || response.body.length === 0 ? undefined : response.content
    const end = content === undefined && (bodiless || !response.trailers)
    // Before the head goes out: after it there can be no error page.
    if (!end) sending(() => checkFields(trailerFields(response.trailers) ?? []))
    this.#head(responseFields(response), end)
    if (!end) finishStream(this.channel, content, response.trailers)
  }

  begin(response: HttpResponse): Outlet {
    this.#head(responseFields(response), false)
    return new Http2Outlet(this.channel)
  }

  sendUpgrade(response: HttpResponse): void {
    const { headers } = response
    // To the client it is an extended CONNECT that has succeeded (RFC 8441, 5); a 101 of a server of HTTP/1 has a key's answer, too.
    const fields = responseFields({ status: 200, headers })
    const accept = fields.indexOf('sec-websocket-accept')
    if (accept > 0) fields.splice(accept, 2)
    this.#head(fields, false)
  }

  sendPage(page: HttpResponse): void {
    this.leave()
    this.sendWhole(page, EMPTY)
  }

  #head(fields: readonly string[], end: boolean): void {
    const { channel } = this
    if (channel.closed) return
    sending(() => channel.carrier.session.sendHead(channel.stream, fields, end))
    channel.carrier.changed()
  }
}

const EMPTY: Framing = Object.freeze({ kind: 'length', length: 0 })
