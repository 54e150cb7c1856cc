// Reads .proto files (proto2, proto3, editions): what is needed to name fields. Options and ranges are passed over.
import { type ProtoField, ProtoSchema } from './proto-schema.js'

/** Messages within messages. */
const MAX_DEPTH = 64

const SCALARS = new Set(
  'double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string bytes'.split(' '),
)
const LABELS = new Set(['optional', 'required', 'repeated'])
const TOKEN =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[\p{L}_.][\p{L}\p{N}_.]*|-?\d[\w.+-]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\s\S]/uy

/** Reads files together: a type may be defined in any of them. Throws an Error that names the file and the line. */
export function readProtoFiles(files: ReadonlyMap<string, string>): ProtoSchema {
  const schema = new ProtoSchema()
  const parsers = [...files].map(([name, text]) => new Parser(name, text, schema))
  for (const parser of parsers) parser.file()
  for (const parser of parsers) parser.resolve()
  return schema
}

/** The files that a file imports, as they are written. */
export function importsOf(text: string): string[] {
  return [...text.matchAll(/^\s*import\s+(?:public\s+|weak\s+|option\s+)?["']([^"'\n]+)["']/gm)].map(
    ([, path = '']) => path,
  )
}

class Parser {
  readonly #name: string
  readonly #schema: ProtoSchema
  readonly #tokens: { text: string; line: number }[] = []
  /** What is to be done when all names are known. */
  readonly #later: (() => void)[] = []
  #at = 0
  #package = ''

  constructor(name: string, text: string, schema: ProtoSchema) {
    this.#name = name
    this.#schema = schema
    let line = 1
    TOKEN.lastIndex = 0
    for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
      const [token] = match
      if (!/^(?:\s|\/[/*])/.test(token)) this.#tokens.push({ text: token, line })
      line += token.split('\n').length - 1
    }
  }

  file(): void {
    while (this.#at < this.#tokens.length) {
      if (this.#peek() === 'package') {
        this.#at += 1
        this.#package = this.#next()
        this.#statement()
      } else this.#definition(this.#package, 0)
    }
  }

  resolve(): void {
    for (const work of this.#later) work()
  }

  /** A message, an enumeration or a service; anything else is passed over. */
  #definition(scope: string, depth: number): boolean {
    const word = this.#peek()
    const isNamed = this.#tokens[this.#at + 2]?.text === '{'
    if (isNamed && word === 'message') this.#message(scope, depth)
    else if (isNamed && word === 'enum') this.#enum(scope)
    else if (isNamed && word === 'service') this.#service(scope)
    else if (word === 'option' || word === 'reserved' || word === 'extensions' || depth === 0) this.#statement()
    else if (word === 'extend') this.#statement()
    else return false
    return true
  }

  #message(scope: string, depth: number): void {
    if (depth > MAX_DEPTH) throw this.#wrong('there are too many messages within messages')
    this.#at += 1
    const name = within(scope, this.#next())
    const fields = new Map<number, ProtoField>()
    this.#schema.messages.set(name, { name, fields })
    this.#expect('{')
    this.#members(name, fields, depth)
  }

  /** The members of a message, or of a `oneof` in it, up to the brace that ends it. */
  #members(name: string, fields: Map<number, ProtoField>, depth: number): void {
    while (this.#peek() !== '}') {
      if (this.#peek() === 'oneof' && this.#tokens[this.#at + 2]?.text === '{') {
        this.#at += 3
        this.#members(name, fields, depth)
      } else if (this.#peek() === ';') this.#at += 1
      else if (!this.#definition(name, depth + 1)) this.#field(name, fields, depth)
    }
    this.#at += 1
  }

  #field(scope: string, fields: Map<number, ProtoField>, depth: number): void {
    if (LABELS.has(this.#peek())) this.#at += 1
    const written = this.#next()
    if (written === 'map' && this.#peek() === '<') {
      this.#map(scope, fields)
      return
    }
    const name = this.#next()
    this.#expect('=')
    const number = this.#number()
    if (written === 'group') {
      this.#group(scope, name, number, fields, depth)
      return
    }
    this.#later.push(() => fields.set(number, this.#typed(name, written, scope)))
    this.#statement()
  }

  #map(scope: string, fields: Map<number, ProtoField>): void {
    this.#expect('<')
    const key = this.#next()
    this.#expect(',')
    const value = this.#next()
    this.#expect('>')
    const name = this.#next()
    this.#expect('=')
    const entry = within(scope, `${name}.entry`)
    const parts = new Map<number, ProtoField>()
    this.#schema.messages.set(entry, { name: entry, fields: parts })
    fields.set(this.#number(), { name, kind: 'named', type: entry })
    this.#later.push(() => {
      parts.set(1, this.#typed('key', key, scope))
      parts.set(2, this.#typed('value', value, scope))
    })
    this.#statement()
  }

  #group(scope: string, name: string, number: number, fields: Map<number, ProtoField>, depth: number): void {
    const full = within(scope, name)
    const inner = new Map<number, ProtoField>()
    this.#schema.messages.set(full, { name: full, fields: inner })
    fields.set(number, { name: name.toLowerCase(), kind: 'named', type: full })
    while (this.#next() !== '{');
    if (depth > MAX_DEPTH) throw this.#wrong('there are too many groups within groups')
    this.#members(full, inner, depth + 1)
  }

  #typed(name: string, written: string, scope: string): ProtoField {
    if (SCALARS.has(written)) return { name, kind: written, type: undefined }
    return { name, kind: 'named', type: this.#find(written, scope) }
  }

  /** The full name of a type: the innermost one that fits, from the scope outwards. */
  #find(written: string, scope: string): string {
    if (written.startsWith('.')) return written.slice(1)
    for (let outer = scope; ; outer = outer.slice(0, Math.max(0, outer.lastIndexOf('.')))) {
      const name = within(outer, written)
      if (outer === '' || this.#schema.messages.has(name) || this.#schema.enumerations.has(name)) return name
    }
  }

  #enum(scope: string): void {
    this.#at += 1
    const values = new Map<number, string>()
    this.#schema.enumerations.set(within(scope, this.#next()), values)
    this.#expect('{')
    while (this.#peek() !== '}') {
      const name = this.#next()
      if (name === ';') continue
      if (this.#peek() === '=' && name !== 'option') {
        this.#at += 1
        const number = this.#number()
        if (!values.has(number)) values.set(number, name)
      }
      this.#statement()
    }
    this.#at += 1
  }

  #service(scope: string): void {
    this.#at += 1
    const service = within(scope, this.#next())
    this.#expect('{')
    while (this.#peek() !== '}') {
      if (this.#peek() !== 'rpc') {
        this.#statement()
        continue
      }
      this.#at += 1
      const path = `/${service}/${this.#next()}`
      const input = this.#methodType()
      this.#expect('returns')
      const output = this.#methodType()
      this.#later.push(() => {
        this.#schema.methods.set(path, { input: this.#find(input, scope), output: this.#find(output, scope) })
      })
      this.#statement()
    }
    this.#at += 1
  }

  #methodType(): string {
    this.#expect('(')
    const first = this.#next()
    const type = first === 'stream' && this.#peek() !== ')' ? this.#next() : first
    this.#expect(')')
    return type
  }

  /** Goes behind the semicolon, or behind the braces, that end a statement. */
  #statement(): void {
    for (let open = 0; ; ) {
      const token = this.#next()
      if (token === '{' || token === '[') open += 1
      else if (token === '}' || token === ']') open -= 1
      if (open < 0) throw this.#wrong(`${token} ends nothing`)
      if (open === 0 && (token === ';' || token === '}')) return
    }
  }

  #number(): number {
    const token = this.#next()
    const number = Number(token.replace(/^-0x/i, '0x')) * (/^-0x/i.test(token) ? -1 : 1)
    if (!Number.isInteger(number)) throw this.#wrong(`${token} is no number`)
    return number
  }

  #peek(): string {
    const token = this.#tokens[this.#at]
    if (!token) throw this.#wrong('the file ends too early')
    return token.text
  }

  #next(): string {
    const token = this.#peek()
    this.#at += 1
    return token
  }

  #expect(wanted: string): void {
    const token = this.#next()
    if (token !== wanted) throw this.#wrong(`there should be ${wanted} and not ${token.slice(0, 40)}`)
  }

  #wrong(what: string): Error {
    const { line = 1 } = this.#tokens[Math.max(0, this.#at - 1)] ?? {}
    return new Error(`${this.#name}:${line}: ${what}`)
  }
}

const within = (scope: string, name: string): string => (scope === '' ? name : `${scope}.${name}`)
