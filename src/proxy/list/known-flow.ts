// A flow as far as its row knows it, for filters: what a row does not have, or has cut, cannot be read of it, and the flow itself has to be.
import { shownUrl } from '../../flow/http.js'
import type { AnyFlow } from '../../flow/index.js'
import { MAX_PATH, MAX_TEXT } from './row.js'
import type { Rows } from './rows.js'

/** A row that does not know what is asked for throws this. One symbol serves all rows: an error for each flow would cost more than reading some. */
const UNKNOWN = Symbol('a row does not know it')

const unknown = (): never => {
  throw UNKNOWN
}

/** Its properties are those that a class below it defines: no other is undefined by mistake. */
class Known {}
Object.setPrototypeOf(Known.prototype, new Proxy({}, { get: unknown, has: unknown }))

const whole = (text: string, most: number): string => (text.length < most ? text : unknown())

/** Fields of a head, of which a row has those that name types. */
class KnownHeaders extends Known {
  #types = ''

  of(types: string): this {
    this.#types = types
    return this
  }

  getAll(name: string): string[] {
    if (name !== 'content-type') return unknown()
    const types = whole(this.#types, MAX_TEXT)
    return types === '' ? NONE : types.split('\n').slice(0, -1)
  }
}

const NONE: string[] = []

class KnownRequest extends Known {
  readonly #headers = new KnownHeaders()
  readonly #rows: Rows
  number = 0

  constructor(rows: Rows) {
    super()
    this.#rows = rows
  }

  get method(): string {
    return whole(this.#rows.text('method', this.number), MAX_TEXT)
  }

  get headers(): KnownHeaders {
    return this.#headers.of(this.#rows.text('requestTypes', this.number))
  }

  get prettyHost(): string {
    return whole(this.#rows.text('host', this.number), MAX_TEXT)
  }

  get port(): number {
    return this.#rows.port(this.number)
  }

  get host(): string {
    return this.#rows.hasOtherHost(this.number) ? unknown() : this.prettyHost
  }

  get url(): string {
    // The URL of a CONNECT has no path, and another form.
    if (this.method === 'CONNECT') return unknown()
    const { number } = this
    const scheme = this.#rows.isTls(number) ? 'https' : 'http'
    return shownUrl(scheme, this.prettyHost, this.#rows.port(number), whole(this.#rows.path(number), MAX_PATH))
  }
}

class KnownFlow extends Known {
  readonly #rows: Rows
  readonly #request: KnownRequest
  readonly #response = new KnownResponse()
  readonly #client = new KnownClient()
  number = 0

  constructor(rows: Rows) {
    super()
    this.#rows = rows
    this.#request = new KnownRequest(rows)
  }

  get type(): string {
    return this.#rows.typeOf(this.number)
  }

  get request(): KnownRequest {
    if (this.type !== 'http') return unknown()
    this.#request.number = this.number
    return this.#request
  }

  get response(): KnownResponse | undefined {
    if (this.type !== 'http') return unknown()
    const status = this.#rows.status(this.number)
    return status === 0 ? undefined : this.#response.of(status, this.#rows.text('responseTypes', this.number))
  }

  get client(): KnownClient {
    return this.#client.of(this.#rows.text('clientAddress', this.number), this.#rows.clientPort(this.number))
  }

  get server(): object | undefined {
    const text = this.#rows.text('server', this.number)
    if (text === '') return undefined
    const [port, remotePort, address = '', ...host] = text.split('\n')
    const remote = address === '' ? undefined : { address, port: Number(remotePort) }
    return { host: whole(host.join('\n'), MAX_TEXT), port: Number(port), remote }
  }

  get upgrade(): string | undefined {
    if (this.#rows.isWebSocket(this.number)) return 'websocket'
    return this.#rows.status(this.number) === 101 ? unknown() : undefined
  }

  get replayed(): undefined {
    return this.#rows.isReplayed(this.number) ? unknown() : undefined
  }

  get error(): object | undefined {
    const notes = this.#rows.notes(this.number)
    return notes && (notes.error === '' ? unknown() : notes)
  }

  get marked(): string {
    return whole(this.#rows.notes(this.number)?.marked ?? '', MAX_TEXT)
  }

  get comment(): string {
    return whole(this.#rows.notes(this.number)?.comment ?? '', MAX_TEXT)
  }
}

class KnownResponse extends Known {
  readonly headers = new KnownHeaders()
  status = 0

  of(status: number, types: string): this {
    this.headers.of(types)
    this.status = status
    return this
  }
}

class KnownClient extends Known {
  readonly remote = { address: '', port: 0 }

  of(address: string, port: number): this {
    this.remote.address = address
    this.remote.port = port
    return this
  }
}

/** Whether the flow of a row matches a filter of a user's text; undefined where its row does not say. */
export function judge(rows: Rows, accepts: (flow: AnyFlow) => boolean): (number: number) => boolean | undefined {
  const known = new KnownFlow(rows)
  return (number) => {
    known.number = number
    try {
      return accepts(known as unknown as AnyFlow)
    } catch (error) {
      if (error === UNKNOWN) return undefined
      throw error
    }
  }
}
