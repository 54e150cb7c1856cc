// StartTLS of LDAP (RFC 4511, 4.14): an extended request, and the extended response with its message ID.
import { Pending, type Sight, type Talk } from './talk.js'

const STARTTLS = '1.3.6.1.4.1.1466.20037'
const SEQUENCE = 0x30
const INTEGER = 0x02
const ENUMERATED = 0x0a
const EXTENDED_REQUEST = 0x77
const EXTENDED_RESPONSE = 0x78
const REQUEST_NAME = 0x80

/** An element of BER (X.690, 8.1), with a length of at most four octets; undefined where it is not whole. */
function elementOf(bytes: Buffer, at = 0): { tag: number; value: Buffer; end: number } | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return undefined
  const octets = first < 0x80 ? 0 : first & 0x7f
  if (octets > 4 || bytes.length < at + 2 + octets) return undefined
  const length = octets === 0 ? first & 0x7f : bytes.readUIntBE(at + 2, octets)
  const start = at + 2 + octets
  if (bytes.length < start + length) return undefined
  return { tag, value: bytes.subarray(start, start + length), end: start + length }
}

interface Message {
  readonly id: string
  readonly operation: number
  /** The first element of the operation. */
  readonly tag: number | undefined
  readonly value: Buffer | undefined
}

/** Takes a message; `more` where it is not whole, undefined for what is no message. */
function messageOf(pending: Pending): Message | 'more' | undefined {
  const { bytes } = pending
  if (bytes.length > 0 && bytes[0] !== SEQUENCE) return undefined
  const whole = elementOf(bytes)
  if (!whole) return 'more'
  const id = elementOf(whole.value)
  const operation = id?.tag === INTEGER ? elementOf(whole.value, id.end) : undefined
  if (!id || !operation) return undefined
  pending.take(whole.end)
  // The operation of an UnbindRequest is empty, and that of an AbandonRequest is no sequence.
  const first = elementOf(operation.value)
  return { id: id.value.toString('hex'), operation: operation.tag, tag: first?.tag, value: first?.value }
}

class LdapTalk implements Talk {
  readonly #client = new Pending()
  readonly #server = new Pending()
  #begun = false
  #asked: string | undefined

  client(bytes: Buffer): Sight {
    this.#client.add(bytes)
    for (;;) {
      const message = messageOf(this.#client)
      if (message === undefined) return 'off'
      if (message === 'more') return 'on'
      this.#begun = true
      const { id, operation, tag, value } = message
      if (operation !== EXTENDED_REQUEST || tag !== REQUEST_NAME || value?.toString('latin1') !== STARTTLS) continue
      this.#asked = id
      return { what: 'asks', end: this.#client.cut() }
    }
  }

  server(bytes: Buffer): Sight {
    if (!this.#begun) return 'off'
    this.#server.add(bytes)
    for (;;) {
      const message = messageOf(this.#server)
      if (message === undefined) return 'off'
      if (message === 'more') return 'on'
      const { id, operation, tag, value } = message
      if (operation !== EXTENDED_RESPONSE || id !== this.#asked) continue
      this.#asked = undefined
      const agrees = tag === ENUMERATED && value?.length === 1 && value[0] === 0
      return { what: agrees ? 'agrees' : 'refuses', end: this.#server.cut() }
    }
  }
}

export const ldap = () => new LdapTalk()
