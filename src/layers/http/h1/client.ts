// The client's end of an exchange, where the client speaks HTTP/1.
import type { HttpRequest, HttpResponse } from '../../../flow/http.js'
import type { AnyChannel } from '../../channel.js'
import { type Context, push } from '../../layer.js'
import { announceNoBody, isBodiless } from '../answer.js'
import type { ClientEnd, Framing, Inlet, InterimHead, Outlet } from '../ends.js'
import { BodyReader } from './body.js'
import { Http1Inlet, Http1Outlet, writeMessage } from './body-ends.js'
import { settlePersistence } from './persistence.js'
import { planFraming } from './plan.js'
import { type WritableResponseHead, writeInterimHead, writeResponseHead } from './write.js'

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

export class Http1Client implements ClientEnd {
  readonly channel: AnyChannel
  readonly framing: Framing
  readonly body: Inlet | undefined
  readonly #context: Context
  readonly #request: HttpRequest
  #persistent: boolean

  /** `persistent`: the client means to send another request after this one. */
  constructor(context: Context, request: HttpRequest, framing: Framing, persistent: boolean) {
    const { client, options } = context
    this.#context = context
    this.channel = client
    this.framing = framing
    this.#request = request
    this.#persistent = persistent
    // The body is read strictly, unless `validate_inbound_headers` is off.
    const noted = options.validate_inbound_headers ? undefined : request
    this.body = framing.kind === 'none' ? undefined : new Http1Inlet(client, new BodyReader(framing, 'request', noted))
  }

  get persistent(): boolean {
    return this.#persistent
  }

  leave(): void {
    this.#persistent = false
  }

  askForBody(): void {
    push(this.#context, this.channel, CONTINUE)
  }

  sendInterim(head: InterimHead): void {
    // HTTP/1.0 has no interim responses (RFC 9110, 15.2).
    if (this.#request.version !== '1.0') push(this.#context, this.channel, writeInterimHead(head))
  }

  sendWhole(response: HttpResponse, framing: Framing): void {
    const { method, version } = this.#request
    announceNoBody(response, framing)
    const out = forHttp1(response)
    this.#settle(out, false)
    const bodiless = method === 'HEAD' || isBodiless(response.status) || (method === 'CONNECT' && response.status < 300)
    const plan = planFraming(response, framing, bodiless, version !== '1.0', out.headers)
    writeMessage(this.#context, this.channel, response, plan, (body) => writeResponseHead(out, body))
  }

  begin(response: HttpResponse, framing: Framing): Outlet {
    const out = forHttp1(response)
    const { headers } = out
    let { kind } = framing
    if (kind === 'chunked' && this.#request.version === '1.0') {
      // A client of HTTP/1.0 cannot read chunks: the body ends with the connection.
      headers.delete('transfer-encoding')
      kind = 'close'
    } else if (kind === 'chunked' && !headers.has('transfer-encoding')) headers.set('Transfer-Encoding', 'chunked')
    this.#settle(out, kind === 'close')
    const write = (body?: Uint8Array) => writeResponseHead(out, body)
    return new Http1Outlet(this.#context, this.channel, write, kind === 'chunked')
  }

  sendUpgrade(response: HttpResponse): void {
    push(this.#context, this.channel, writeResponseHead(response))
  }

  sendPage(page: HttpResponse): void {
    this.leave()
    page.headers.set('Connection', 'close')
    push(this.#context, this.channel, writeResponseHead(page, page.content))
  }

  /** Prepares a final response that is about to be sent. */
  #settle(response: WritableResponseHead, closes: boolean): void {
    const { version } = this.#request
    this.#persistent = settlePersistence(response, { persistent: this.#persistent, version, closes })
  }
}

/** A response as HTTP/1 writes it: one that has come by HTTP/2 is copied, since its fields are completed. */
function forHttp1(response: HttpResponse): WritableResponseHead {
  if (response.version !== '2.0') return response
  const { status, reason, headers } = response
  return { version: '1.1', status, reason, headers: headers.clone() }
}
