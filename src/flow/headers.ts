// The header or trailer fields of a message as they are on the wire: order, case, duplicates and bytes are kept.

/** What `HttpHeaders.from` takes: other headers, pairs of name and value, or an object. */
export type HttpHeadersInit =
  | HttpHeaders
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string | readonly string[]>>

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Whether a text is a token, as methods and field names are (RFC 9110, 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Whether a text can be a field's value: a character is a byte, so up to U+00FF, and no control character but HTAB (RFC 9110, 5.5). */
export function isFieldValue(text: string): boolean {
  return FIELD_VALUE.test(text)
}

/** Compares field names without regard to the case of their letters, which are those of ASCII. Nothing is allocated. */
export function sameName(a: string, b: string): boolean {
  const { length } = a
  if (length !== b.length) return false
  for (let at = 0; at < length; at++) {
    const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (one !== other && small(one) !== small(other)) return false
  }
  return true
}

/** The code of the small letter where that of a capital is given. */
const small = (code: number): number => (code >= 0x41 && code <= 0x5a ? code + 0x20 : code)

/**
 * Header or trailer fields. Values are latin1 strings, one character a byte. Names are found in any case; a field that is
 * replaced keeps its place and the case of its name.
 */
export class HttpHeaders {
  /** `[name, value, name, value, ...]` in wire order. Code that changes it must check names and values by itself. */
  readonly raw: string[]

  /** Keeps `raw` itself, without a copy or a check: for fields that a parser has checked. */
  constructor(raw: string[] = []) {
    this.raw = raw
  }

  /** Copies the fields. Throws a TypeError for a name or value that cannot stand in a header. */
  static from(init: HttpHeadersInit): HttpHeaders {
    const headers = new HttpHeaders()
    if (Symbol.iterator in init) {
      for (const [name, value] of init as Iterable<readonly [string, string]>) headers.append(name, value)
    } else {
      for (const [name, value] of Object.entries(init as Record<string, string | readonly string[]>)) {
        if (typeof value === 'string') headers.append(name, value)
        else for (const one of value) headers.append(name, one)
      }
    }
    return headers
  }

  /** The number of fields, with duplicates. */
  get size(): number {
    return this.raw.length >> 1
  }

  has(name: string): boolean {
    return this.#find(name, 0) !== -1
  }

  /**
   * All values of a name as one, joined by `, ` (Cookie: by `; `); undefined where there is none. The values of Set-Cookie cannot be
   * joined: `get` gives the first, and `getAll` every one.
   */
  get(name: string): string | undefined {
    const { raw } = this
    const first = this.#find(name, 0)
    if (first === -1) return undefined
    let value = raw[first + 1] as string
    let next = this.#find(name, first + 2)
    if (next === -1 || sameName(name, 'set-cookie')) return value
    const separator = sameName(name, 'cookie') ? '; ' : ', '
    for (; next !== -1; next = this.#find(name, next + 2)) value += separator + raw[next + 1]
    return value
  }

  /** The values of a name, one for each field of that name. */
  getAll(name: string): string[] {
    const values: string[] = []
    for (let at = this.#find(name, 0); at !== -1; at = this.#find(name, at + 2)) values.push(this.raw[at + 1] as string)
    return values
  }

  /**
   * Gives a name one value, or one field for each value of an array (none: the name is gone). They stand where the first field of
   * that name stood, else at the end. Throws a TypeError for a name or value that cannot stand in a header.
   */
  set(name: string, value: string | readonly string[]): void {
    const { raw } = this
    const values = typeof value === 'string' ? [value] : value
    for (const one of values) check(name, one)
    const first = this.#find(name, 0)
    if (first === -1) {
      for (const one of values) raw.push(name, one)
      return
    }
    const kept = raw[first] as string
    if (values[0] === undefined) {
      this.#remove(name, first)
      return
    }
    raw[first + 1] = values[0]
    const next = this.#find(name, first + 2)
    if (next !== -1) this.#remove(name, next)
    if (values.length > 1) raw.splice(first + 2, 0, ...values.slice(1).flatMap((one) => [kept, one]))
  }

  /** Adds a field at the end. Throws a TypeError for a name or value that cannot stand in a header. */
  append(name: string, value: string): void {
    check(name, value)
    this.raw.push(name, value)
  }

  /** Removes every field of a name; false where there was none. */
  delete(name: string): boolean {
    const first = this.#find(name, 0)
    if (first === -1) return false
    this.#remove(name, first)
    return true
  }

  clone(): HttpHeaders {
    return new HttpHeaders(this.raw.slice())
  }

  *[Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    const { raw } = this
    for (let at = 0; at < raw.length; at += 2) yield [raw[at] as string, raw[at + 1] as string]
  }

  /** `Name: value` lines, each with its CRLF. */
  toString(): string {
    const { raw } = this
    let text = ''
    for (let at = 0; at < raw.length; at += 2) text += `${raw[at]}: ${raw[at + 1]}\r\n`
    return text
  }

  #find(name: string, from: number): number {
    const { raw } = this
    const { length } = name
    for (let at = from; at < raw.length; at += 2) {
      const other = raw[at] as string
      if (other.length === length && sameName(other, name)) return at
    }
    return -1
  }

  #remove(name: string, first: number): void {
    const { raw } = this
    let to = first
    for (let at = first; at < raw.length; at += 2) {
      const other = raw[at] as string
      if (sameName(other, name)) continue
      raw[to] = other
      raw[to + 1] = raw[at + 1] as string
      to += 2
    }
    raw.length = to
  }
}

function check(name: unknown, value: unknown): void {
  if (typeof name !== 'string' || !TOKEN.test(name)) {
    throw new TypeError(
      `${JSON.stringify(name)} is no field name: it must be letters, digits and !#$%&'*+-.^_\`|~, at least one`,
    )
  }
  if (typeof value !== 'string') throw new TypeError(`the value of ${name} must be a string, not ${typeof value}`)
  if (FIELD_VALUE.test(value)) return
  const bad = value.charCodeAt(value.search(/[^\t\x20-\x7e\x80-\xff]/))
  const code = `U+${bad.toString(16).toUpperCase().padStart(4, '0')}`
  throw new TypeError(
    bad > 0xff
      ? `the value of ${name} has ${code}: a character is one byte here, so encode it first`
      : `the value of ${name} has ${code}: control characters cannot stand in a header`,
  )
}
