// Shows a flow without its secrets: objects that read from the flow when they are read, so that they follow a flow that runs.
import { RecordedBody } from './body.js'
import { charsetOf } from './charset.js'
import { decodeContent, encodeContent } from './content-coding.js'
import { HttpHeaders } from './headers.js'
import type { HttpFlow, HttpRequest, HttpResponse } from './http.js'
import type { AnyFlow } from './index.js'
import { parseSecrets, type Secrets } from './redact.js'
import { REDACTED } from './redact-json.js'
import { isUnderstood, redactBody, redactMessageBytes, redactParameters, seeksBodies } from './redact-text.js'
import { inMemory } from './snapshot.js'
import type { StreamMessages } from './stream-messages.js'
import type { WebSocketData } from './websocket.js'

type Message = HttpRequest | HttpResponse

export class RedactedView {
  readonly #secrets: Secrets
  readonly #hidesNothing: boolean
  /** The view of each object is made once: outputs tell flows apart by what they are. */
  readonly #views = new WeakMap<object, object>()

  /** Takes the entries of option `redact`; without any, flows are shown as they are. Throws ERR_OPTION. */
  constructor(entries: readonly string[]) {
    this.#secrets = parseSecrets(entries)
    const { headers, parameters, fields } = this.#secrets
    this.#hidesNothing = headers.size + parameters.size + fields.length === 0
  }

  /** A text for people: a line of the log, an error. */
  text(text: string): string {
    return redactParameters(text, this.#secrets)
  }

  of<F extends AnyFlow>(flow: F): F {
    if (this.#hidesNothing) return flow
    const common = {
      error: () => flow.error && { ...flow.error, message: this.text(flow.error.message) },
      metadata: () => this.#metadata(flow.metadata),
    }
    if (flow.type === 'http') return this.#view<AnyFlow>(flow, { ...common, ...this.#http(flow) }) as F
    if (flow.type === 'dns') return this.#view<AnyFlow>(flow, common) as F
    return this.#view<AnyFlow>(flow, {
      ...common,
      messages: () => flow.messages.map((message) => this.#message(message)),
      last: () => flow.last && this.#message(flow.last),
      passing: () => flow.passing.map((message) => this.#message(message)),
    }) as F
  }

  /** An object that reads these properties from functions, and all others from `target`. */
  #view<T extends object>(target: T, own: Readonly<Record<string, () => unknown>>): T {
    const known = this.#views.get(target)
    if (known) return known as T
    const made = new Proxy(target, {
      get(of, name) {
        const read = typeof name === 'string' && Object.hasOwn(own, name) ? own[name] : undefined
        if (read) return read()
        const value = Reflect.get(of, name, of)
        return typeof value === 'function' && name !== 'constructor' ? value.bind(of) : value
      },
      set: (of, name, value) => Reflect.set(of, name, value, of),
    })
    this.#views.set(target, made)
    return made
  }

  #http(flow: HttpFlow) {
    return {
      request: () => this.#request(flow.request),
      response: () => flow.response && this.#view(flow.response, this.#content(flow.response)),
      websocket: () => flow.websocket && this.#webSocket(flow.websocket),
      messages: () => flow.messages && this.#streamMessages(flow.messages),
    }
  }

  #request(request: HttpRequest): HttpRequest {
    const inUrl = (name: 'path' | 'url' | 'target') => () => this.text(request[name])
    return this.#view(request, {
      ...this.#content(request),
      ...{ path: inUrl('path'), url: inUrl('url'), target: inUrl('target') },
    })
  }

  #content(message: Message) {
    const content = () => this.#encoded(message)
    const coding = () => message.headers.get('content-encoding')
    const decoded = () => decodeContent(content(), coding())
    return {
      headers: () => this.#headers(message.headers),
      trailers: () => message.trailers && this.#headers(message.trailers),
      content,
      decodedContent: () => decoded().content,
      decodeError: () => (content() === message.content ? message.decodeError : decoded().error),
      text: () => {
        const bytes = decoded().content
        return charsetOf(bytes, message.headers.get('content-type')).decode(bytes)
      },
      body: () => this.#body(message, content()),
    }
  }

  /** The recorded bytes, in their content coding. */
  #encoded(message: Message): Buffer {
    const { content, headers } = message
    const [type, coding] = [headers.get('content-type'), headers.get('content-encoding')]
    if (content.length === 0 || !seeksBodies(this.#secrets, type)) return content
    const { content: decoded, error } = decodeContent(content, coding)
    const redacted = redactBody(decoded, type, this.#secrets)
    // What cannot be decoded as a whole is shown as far as it can; of bytes that nobody has understood nothing is shown.
    if (error !== undefined && decoded.equals(content) && isUnderstood(type)) return Buffer.from(REDACTED)
    return redacted === decoded ? content : (encodeContent(redacted, coding) ?? Buffer.from(REDACTED))
  }

  #body({ body, content: recorded }: Message, content: Buffer): RecordedBody {
    if (content === recorded) return body
    const made = new RecordedBody(content.length)
    made.store(inMemory(content), body.truncated ? Math.max(body.length, content.length + 1) : content.length)
    return made
  }

  #headers(headers: HttpHeaders): HttpHeaders {
    const { headers: names } = this.#secrets
    const raw = headers.raw.map((text, index) => {
      if (index % 2 === 0) return text
      return names.has((headers.raw[index - 1] as string).toLowerCase()) ? REDACTED : this.text(text)
    })
    return new HttpHeaders(raw)
  }

  /** Addons note credentials that they have taken from requests. */
  #metadata(metadata: Record<string, unknown>): Record<string, unknown> {
    const { headers } = this.#secrets
    const hides = 'proxyauth' in metadata && (headers.has('proxy-authorization') || headers.has('authorization'))
    return hides ? { ...metadata, proxyauth: REDACTED } : metadata
  }

  #message<M extends { readonly content: Buffer }>(message: M): M {
    const content = () => redactMessageBytes(message.content, this.#secrets)
    return this.#view<M>(message, { content, text: () => content().toString() })
  }

  #webSocket(data: WebSocketData): WebSocketData {
    return this.#view(data, {
      messages: () => data.messages.map((message) => this.#message(message)),
      last: () => data.last && this.#message(data.last),
      passing: () => data.passing && this.#message(data.passing),
    })
  }

  #streamMessages(messages: StreamMessages): StreamMessages {
    return this.#view(messages, {
      recorded: () => messages.recorded.map((message) => this.#message(message)),
      last: () => messages.last && this.#message(messages.last),
    })
  }
}
