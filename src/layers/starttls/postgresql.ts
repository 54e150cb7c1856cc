// SSLRequest of PostgreSQL ("Message Formats" of its manual): eight bytes, which the server answers with one.
import { Pending, type Sight, type Talk } from './talk.js'

const SSL_REQUEST = 80_877_103
const GSSENC_REQUEST = 80_877_104
const LENGTH = 8

class PostgresqlTalk implements Talk {
  readonly #pending = new Pending()
  #asked: 'ssl' | 'gss' | undefined

  client(bytes: Buffer): Sight {
    if (this.#asked) return 'off'
    this.#pending.add(bytes)
    const { bytes: all } = this.#pending
    if (all.length < LENGTH) return START.subarray(0, all.length).equals(all.subarray(0, 4)) ? 'on' : 'off'
    const code = all.readUInt32BE(4)
    if (all.readUInt32BE(0) !== LENGTH || (code !== SSL_REQUEST && code !== GSSENC_REQUEST)) return 'off'
    this.#asked = code === SSL_REQUEST ? 'ssl' : 'gss'
    this.#pending.take(LENGTH)
    const end = this.#pending.cut()
    return { what: 'asks', end }
  }

  server(bytes: Buffer): Sight {
    const asked = this.#asked
    this.#asked = undefined
    // `G` begins an encryption that midwire does not know; an error stands in a longer message.
    if (!asked) return 'off'
    if (bytes[0] === 0x4e) return { what: 'refuses', end: 1 }
    return asked === 'ssl' && bytes[0] === 0x53 ? { what: 'agrees', end: 1 } : 'off'
  }
}

const START = Buffer.from([0, 0, 0, LENGTH])

export const postgresql = () => new PostgresqlTalk()
