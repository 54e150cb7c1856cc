// STARTTLS of XMPP (RFC 6120, 5): elements within the streams of both sides.
import { Pending, type Sight, type Talk } from './talk.js'

/** An element without content, and white space behind it. */
const element = (name: string) => new RegExp(`<${name}(?:\\s[^<>]*?)?(?:/>|>\\s*</${name}\\s*>)\\s*`)
const STARTTLS = element('starttls')
/** A stream begins, behind an XML declaration or without one. */
const STREAM = /^\s*(<\?xml[^>]*>\s*)?<([\w-]+:)?stream\s/
/** Characters in which a stream begins. */
const LONGEST_HEAD = 1_024
const PROCEED = element('proceed')

class XmppTalk implements Talk {
  readonly #client = new Pending()
  readonly #server = new Pending()
  #begun = false
  #asked = false

  client(bytes: Buffer): Sight {
    this.#client.add(bytes)
    const text = this.#client.bytes.toString('latin1')
    this.#begun ||= STREAM.test(text)
    if (!this.#begun) return /^\s*(<|$)/.test(text) && text.length < LONGEST_HEAD ? 'on' : 'off'
    const found = STARTTLS.exec(text)
    if (!found) return 'on'
    this.#client.take(found.index + found[0].length)
    this.#asked = true
    this.#server.cut()
    return { what: 'asks', end: this.#client.cut() }
  }

  server(bytes: Buffer): Sight {
    if (!this.#asked) return this.#begun ? 'on' : 'off'
    this.#server.add(bytes)
    const text = this.#server.bytes.toString('latin1')
    const found = PROCEED.exec(text)
    if (!found) return /<failure[\s/>]/.test(text) ? this.#refused(bytes) : 'on'
    this.#server.take(found.index + found[0].length)
    this.#asked = false
    return { what: 'agrees', end: this.#server.cut() }
  }

  #refused(bytes: Buffer): Sight {
    this.#asked = false
    return { what: 'refuses', end: bytes.length }
  }
}

export const xmpp = () => new XmppTalk()
