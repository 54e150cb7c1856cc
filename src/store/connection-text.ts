// A connection as a JSON text. Flows share their connections, so the text is made once for each that does not change.
import type { ClientConnection, Connection, ServerConnection, TlsState } from '../connection.js'

/** Either end's, with what the client's alone has. */
type AnyConnection = Connection & Partial<Pick<ClientConnection, 'http2' | 'process'>>

interface Known {
  /** What the text was made of, but for what never changes. */
  readonly state: readonly unknown[]
  readonly text: string
}

/**
 * Where a connection has its text: not in a WeakMap, whose values outlive their keys until the next full collection once it has grown old. It is in no copy of
 * the connection.
 */
const KNOWN = Symbol('text of the connection')

type Knowing = Connection & { [KNOWN]?: Known }

/** Certificates are put among the short bytes, which the text has the numbers of: always those that begin at `short.length`. */
export function connectionText(connection: ClientConnection | ServerConnection, short: Buffer[]): string {
  const { tls } = connection
  const from = short.length
  if (tls?.certificates) short.push(...tls.certificates)
  const before = (connection as Knowing)[KNOWN]
  if (before && isAsBefore(before.state, connection, tls, from)) return before.text
  const certificates = tls?.certificates?.map((_, index) => from + index)
  const json = JSON.stringify(certificates ? { ...connection, tls: { ...tls, certificates } } : connection)
  const text = json.replace(BEYOND_ASCII, escaped)
  const value: Known = { state: stateOf(connection, tls, from), text }
  if (before) (connection as Knowing)[KNOWN] = value
  else Object.defineProperty(connection, KNOWN, { value, writable: true })
  return text
}

/** The flow's values are latin1, which the name of a device, say, need not be. */
const BEYOND_ASCII = /[^\0-\x7f]/g
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

export function readConnection(text: string, short: readonly Buffer[]): ClientConnection | ServerConnection {
  const connection = JSON.parse(text)
  const { tls } = connection
  if (tls?.certificates) tls.certificates = tls.certificates.map((number: number) => short[number] ?? Buffer.alloc(0))
  return connection
}

/** All that can change in a connection, in an order that `isAsBefore` knows. */
function stateOf(one: AnyConnection, tls: TlsState | undefined, from: number): unknown[] {
  const { closedAt, error, dropped, openedAt, remote, local, http2, process } = one
  return [
    ...[closedAt, error, dropped, openedAt, remote, local, http2, process],
    ...[tls, tls?.establishedAt, tls?.certificates, tls?.alpn, tls?.version, tls?.cipher, tls?.sni, tls?.alpnOffers],
    ...[tls?.certificates ? from : 0, tls?.ja3, tls?.ja4],
  ]
}

function isAsBefore(state: readonly unknown[], one: AnyConnection, tls: TlsState | undefined, from: number): boolean {
  return (
    state[0] === one.closedAt &&
    state[1] === one.error &&
    state[2] === one.dropped &&
    state[3] === one.openedAt &&
    state[4] === one.remote &&
    state[5] === one.local &&
    state[6] === one.http2 &&
    state[7] === one.process &&
    state[8] === tls &&
    (tls === undefined ||
      (state[9] === tls.establishedAt &&
        state[10] === tls.certificates &&
        state[11] === tls.alpn &&
        state[12] === tls.version &&
        state[13] === tls.cipher &&
        state[14] === tls.sni &&
        state[15] === tls.alpnOffers &&
        state[16] === (tls.certificates ? from : 0) &&
        state[17] === tls.ja3 &&
        state[18] === tls.ja4))
  )
}
