// Protocols of lines, in which the server speaks first and the client asks for TLS by a command: SMTP, IMAP, POP3, FTP.
import { Pending, type Sight, type Talk } from './talk.js'

/** Characters of a line. Longer ones are no commands. */
const MAX_LINE = 4_096

type Answer = 'yes' | 'no' | undefined

export interface LineProtocol {
  readonly greeting: RegExp
  /** The command that asks for TLS. */
  readonly ask: RegExp
  /** Commands behind which nobody asks for TLS any more: a login, a mail. */
  readonly over: RegExp
  /** Whether a line of the server ends an answer, or the greeting. */
  readonly final: RegExp
  /** Answers come in the order of the commands, and do not name them. */
  readonly inOrder: boolean
  /** Whether a line that ends the answer to `ask` agrees. `asked`: the match of `ask`. Undefined for an answer to something else. */
  answer(line: string, asked: RegExpExecArray): Answer
}

export class LineTalk implements Talk {
  readonly #protocol: LineProtocol
  readonly #client = new Pending()
  readonly #server = new Pending()
  #begun = false
  #greeted = false
  #asked: RegExpExecArray | undefined
  /** Commands without an answer, the one that asks among them. */
  #open = 0

  constructor(protocol: LineProtocol) {
    this.#protocol = protocol
  }

  client(bytes: Buffer): Sight {
    if (!this.#greeted) return 'off'
    this.#client.add(bytes)
    for (let line = lineOf(this.#client); line !== undefined; line = lineOf(this.#client)) {
      this.#open += 1
      this.#asked = this.#protocol.ask.exec(line) ?? undefined
      if (this.#asked) return { what: 'asks', end: this.#client.cut() }
      if (this.#protocol.over.test(line)) return 'off'
    }
    return this.#client.bytes.length > MAX_LINE ? 'off' : 'on'
  }

  server(bytes: Buffer): Sight {
    this.#server.add(bytes)
    for (let line = lineOf(this.#server); line !== undefined; line = lineOf(this.#server)) {
      if (!this.#greeted) {
        if (!this.#begun && !this.#protocol.greeting.test(line)) return 'off'
        this.#begun = true
        this.#greeted = this.#protocol.final.test(line)
        continue
      }
      if (!this.#protocol.final.test(line)) continue
      const last = this.#open <= 1 || !this.#protocol.inOrder
      this.#open = Math.max(0, this.#open - 1)
      const asked = this.#asked
      const answer = asked && last ? this.#protocol.answer(line, asked) : undefined
      if (answer === undefined) continue
      this.#asked = undefined
      return { what: answer === 'yes' ? 'agrees' : 'refuses', end: this.#server.cut() }
    }
    return this.#server.bytes.length > MAX_LINE ? 'off' : 'on'
  }
}

/** Takes a line, without its end; undefined where its end has not come. */
function lineOf(pending: Pending): string | undefined {
  const end = pending.bytes.indexOf(0x0a)
  if (end === -1) return undefined
  return pending
    .take(end + 1)
    .toString('latin1')
    .replace(/\r?\n$/, '')
}
