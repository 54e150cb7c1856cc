// Makes heads and trailers of an odd form regular where they have only one meaning, and notes it. The parser refuses the others.

import { quoted, type Side, shown } from '../error.js'
import { all, FLAGS, TEXT, TOKEN } from './bytes.js'

/** A message that keeps notes of its odd forms: a sentence for each kind, with the first example. */
export interface Noted {
  irregularities?: readonly string[] | undefined
}

export function note(on: Noted, what: string): void {
  if (on.irregularities?.includes(what)) return
  on.irregularities = [...(on.irregularities ?? []), what]
}

/** Fields that are never folded, and of which no bytes are replaced: they decide where a message ends and where it goes. */
const FRAMING = /^(?:content-length|transfer-encoding|host)$/i
/** A line that is no field is not dropped where it has one of these names anywhere. */
const NAMES_FRAMING = /content-length|transfer-encoding|host/i

/** The index after the first empty line, whether lines end in CRLF or in LF; -1 where there is none. */
export function looseHeadEnd(buffer: Buffer, start: number, end: number): number {
  for (let at = buffer.indexOf(10, start); at !== -1 && at < end; at = buffer.indexOf(10, at + 1)) {
    if (buffer[at + 1] === 10) return at + 2
    if (buffer[at + 1] === 13 && buffer[at + 2] === 10) return at + 3
  }
  return -1
}

export interface Section {
  /** The lines, up to and with the empty one, as latin1. */
  readonly text: string
  readonly side: Side
  /** The text begins with a request line or a status line. */
  readonly hasFirstLine: boolean
  /** `validate_inbound_headers` is off. */
  readonly relaxed: boolean
}

/**
 * The section with odd forms that have only one meaning made regular, and noted. Other odd lines stay, and the parser will refuse them.
 *
 * In a response, and in a `relaxed` request, these are line ends of LF without CR (RFC 9112, 2.2), white space before a colon (5.1),
 * folded fields (5.2), and control bytes in values and in the reason phrase, which become spaces (RFC 9110, 5.5). With `relaxed`, NUL
 * and a bare CR in these texts become spaces, too, and lines that are no fields are dropped.
 */
export function regularSection(section: Section, on: Noted): string {
  return new Regular(section, on).text()
}

class Regular {
  readonly #section: Section
  readonly #on: Noted
  readonly #kinds = new Set<string>()
  readonly #lines: string[] = []
  /** The last of `#lines` is a field that the next line may be folded into. */
  #foldable = false

  constructor(section: Section, on: Noted) {
    this.#section = section
    this.#on = on
  }

  text(): string {
    const { text, hasFirstLine } = this.#section
    const lines = text.split('\n').slice(0, -1)
    lines.forEach((whole, index) => {
      const line = this.#withoutEnd(whole)
      if (index === 0 && hasFirstLine) this.#lines.push(this.#firstLine(line))
      else if (line === '') this.#lines.push('')
      else this.#fieldLine(line)
    })
    return `${this.#lines.join('\r\n')}\r\n`
  }

  #note(kind: string, example: string): void {
    if (this.#kinds.has(kind)) return
    this.#kinds.add(kind)
    note(this.#on, example)
  }

  #withoutEnd(line: string): string {
    if (line.endsWith('\r')) return line.slice(0, -1)
    this.#note('end', 'its lines end in LF without CR')
    return line
  }

  #firstLine(line: string): string {
    if (this.#section.side === 'request') return line
    let regular = line
    if (this.#section.relaxed) {
      regular = line.replace(/^(HTTP\/\d\.\d)[ \t]+(\d{3})(?=[ \t]|$)[ \t]?/, '$1 $2 ')
      if (regular.trimEnd() !== line.trimEnd())
        this.#note('status', 'its status line has other white space than one space')
    }
    const start = /^HTTP\/\d\.\d \d{3} /.exec(regular)?.[0]
    return start === undefined ? regular : start + this.#printable(regular.slice(start.length), 'the reason phrase')
  }

  #fieldLine(line: string): void {
    if (/^[ \t]/.test(line)) {
      if (!this.#fold(line) && !this.#drop(line)) this.#lines.push(line)
      return
    }
    const colon = line.indexOf(':')
    const spaced = line.slice(0, Math.max(colon, 0))
    const name = spaced.replace(/[ \t]+$/, '')
    this.#foldable = false
    if (name === '' || !all(name, TOKEN)) {
      if (!this.#drop(line)) this.#lines.push(line)
      return
    }
    const framing = FRAMING.test(name)
    // Where one reader sees Transfer-Encoding and another does not, they see different requests (RFC 9112, 5.1).
    if (framing && name !== spaced && this.#section.side === 'request') {
      this.#lines.push(line)
      return
    }
    if (name !== spaced) this.#note('colon', `white space stands before the colon of ${short(name)}`)
    const value = line.slice(colon + 1)
    this.#lines.push(`${name}:${framing ? value : this.#printable(value, `the value of ${short(name)}`)}`)
    this.#foldable = !framing
  }

  /** Joins a line that begins with white space to the field before it. False where the result would not have one meaning. */
  #fold(line: string): boolean {
    const more = line.trim()
    // Some readers take a line of white space for the empty line.
    if (!this.#foldable || more === '') return false
    const field = this.#lines.pop() as string
    const name = short(field.slice(0, field.indexOf(':')))
    this.#note('fold', `the value of ${name} is folded over lines`)
    this.#lines.push(`${field} ${this.#printable(more, `the value of ${name}`)}`)
    return true
  }

  /** Drops a line that is no field. False where the line has to be refused. */
  #drop(line: string): boolean {
    if (!this.#section.relaxed || line.trim() === '' || NAMES_FRAMING.test(line)) return false
    this.#note('drop', `a line that is no field was dropped: ${quoted(line)}`)
    return true
  }

  /** The text with spaces in the place of control bytes. */
  #printable(text: string, where: string): string {
    if (all(text, TEXT)) return text
    let printable = ''
    for (const character of text) {
      const byte = character.charCodeAt(0)
      const passes = ((FLAGS[byte] as number) & TEXT) !== 0 || (!this.#section.relaxed && (byte === 0 || byte === 13))
      if (!passes) this.#note('control', `${where} has ${shown(byte)}, which was made a space`)
      printable += passes ? character : ' '
    }
    return printable
  }
}

const short = (name: string): string => (name.length > 40 ? `${name.slice(0, 40)}...` : name)
