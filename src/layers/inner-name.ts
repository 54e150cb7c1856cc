// The name of the server in a client's first bytes: that of a ClientHello, or the Host field of a first request.
import { findHeadEnd, MAX_HEAD } from './http/h1/head.js'
import { looksLikeHttp, looksLikeTls } from './sniff.js'
import { ClientHelloError, readClientHello } from './tls/client-hello.js'

/** Bytes that have not come yet may have the name in them. */
export const MORE = Symbol('more')

export interface InnerName {
  /** A host, and with a request perhaps `:port` behind it, as the client has written them. */
  readonly text: string
  readonly isTls: boolean
}

/** The name in all that a client has sent so far; undefined where there is none, and none can come. */
export function innerName(bytes: Buffer): InnerName | undefined | typeof MORE {
  const tls = looksLikeTls(bytes)
  const http = looksLikeHttp(bytes)
  const isTls = tls === 'yes'
  if (!isTls && http !== 'yes') return tls === 'more' || http === 'more' ? MORE : undefined
  const text = isTls ? nameInHello(bytes) : nameInHead(bytes)
  return text === undefined || text === MORE ? text : { text, isTls }
}

function nameInHello(bytes: Buffer): string | undefined | typeof MORE {
  try {
    const hello = readClientHello(bytes)
    return hello ? (hello.sni ?? hello.serverName) : MORE
  } catch (error) {
    if (error instanceof ClientHelloError) return undefined
    throw error
  }
}

function nameInHead(bytes: Buffer): string | undefined | typeof MORE {
  const end = findHeadEnd(bytes, 0)
  if (end === -1) return bytes.length < MAX_HEAD.request ? MORE : undefined
  return /\nhost:[ \t]*([^\r\n]*?)[ \t]*\r?\n/i.exec(bytes.toString('latin1', 0, end))?.[1] || undefined
}
