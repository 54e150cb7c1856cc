// SSLRequest of MySQL and MariaDB ("Protocol::SSLRequest" of MySQL's manual): TLS follows at once, without an answer.
import { Pending, type Sight, type Talk } from './talk.js'

const CLIENT_SSL = 0x0800
/** Three bytes of length, one of sequence. */
const HEAD = 4
const SSL_REQUEST_LENGTH = 32

class MysqlTalk implements Talk {
  readonly #client = new Pending()
  readonly #server = new Pending()
  #greeted = false

  /** The greeting has version 10, the server's version with NUL, a thread, 8 bytes and a filler before the low half of its capabilities. */
  server(bytes: Buffer): Sight {
    if (this.#greeted) return 'off'
    this.#server.add(bytes)
    const { bytes: all } = this.#server
    if (all.length <= HEAD) return 'on'
    const length = all.readUIntLE(0, 3)
    if (all[3] !== 0 || all[HEAD] !== 10) return 'off'
    if (all.length < HEAD + length) return 'on'
    const capabilities = all.indexOf(0, HEAD + 1) + 14
    if (all.length !== HEAD + length || capabilities + 2 > all.length || capabilities < HEAD + 14) return 'off'
    this.#greeted = true
    return all.readUInt16LE(capabilities) & CLIENT_SSL ? 'on' : 'off'
  }

  client(bytes: Buffer): Sight {
    if (!this.#greeted) return 'off'
    this.#client.add(bytes)
    const { bytes: all } = this.#client
    if (all.length < HEAD) return 'on'
    if (all.readUIntLE(0, 3) !== SSL_REQUEST_LENGTH || all[3] !== 1) return 'off'
    if (all.length < HEAD + SSL_REQUEST_LENGTH) return 'on'
    if (!(all.readUInt32LE(HEAD) & CLIENT_SSL)) return 'off'
    this.#client.take(HEAD + SSL_REQUEST_LENGTH)
    return { what: 'agrees', end: this.#client.cut() }
  }
}

export const mysql = () => new MysqlTalk()
