// Sec-WebSocket-Extensions (RFC 6455, 9.1): what a client may offer, and what was agreed on. midwire knows permessage-deflate (RFC 7692).
import type { HttpHeaders } from '../../flow/headers.js'

const FIELD = 'sec-websocket-extensions'

interface Extension {
  /** As it was written. */
  readonly text: string
  readonly name: string
  /** Names in lower case; undefined for a parameter without a value. */
  readonly parameters: readonly (readonly [name: string, value: string | undefined])[]
}

/** What permessage-deflate was agreed on for one direction (RFC 7692, 7.1). */
export interface DeflateTerms {
  /** The sender goes on from message to message with the same window. */
  readonly takeOver: boolean
  /** The window has 2 to the power of this many bytes: 8 to 15. */
  readonly windowBits: number
}

/** What the two sides have agreed on: `deflate` is undefined without permessage-deflate. */
export interface Agreement {
  readonly deflate: { readonly client: DeflateTerms; readonly server: DeflateTerms } | undefined
}

const DEFLATE = 'permessage-deflate'

/** A token, or a quoted string that is one without its quotes (RFC 6455, 9.1). */
const PARAMETER = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*(?:=\s*(?:"([^"\\]*)"|([!#$%&'*+.^_`|~\w-]+)))?\s*$/

/** The extensions of a field's value; one that breaks the grammar has the name ''. Values of extensions have no commas in them. */
function parse(value: string): Extension[] {
  const listed = value.split(',').filter((one) => one.trim() !== '')
  return listed.map((text) => {
    const matches = text.split(';').map((part) => PARAMETER.exec(part))
    const words = matches.map((match) => [match?.[1]?.toLowerCase() ?? '', match?.[2] ?? match?.[3]] as const)
    const [[name, extra] = ['', undefined], ...parameters] = words
    const isRegular = extra === undefined && matches.every((match) => match !== null)
    return { text: text.trim(), name: isRegular ? name : '', parameters }
  })
}

/**
 * Takes extensions that midwire does not know out of a client's offer, so that no server agrees on them. Returns what was taken out, for
 * the log; undefined where nothing was.
 */
export function keepKnownExtensions(headers: HttpHeaders): string | undefined {
  const offered = headers.getAll(FIELD)
  if (offered.length === 0) return undefined
  const all = offered.flatMap(parse)
  const known = all.filter(({ name }) => name === DEFLATE)
  if (known.length === all.length) return undefined
  if (known.length > 0) headers.set('Sec-WebSocket-Extensions', known.map(({ text }) => text).join(', '))
  else headers.delete(FIELD)
  return all.flatMap((one) => (known.includes(one) ? [] : [one.text])).join(', ')
}

/** What a server's response agrees on; undefined where that is something that midwire cannot read. */
export function agreementOf(headers: HttpHeaders): Agreement | undefined {
  const [one, ...more] = headers.getAll(FIELD).flatMap(parse)
  if (!one) return { deflate: undefined }
  if (more.length > 0 || one.name !== DEFLATE) return undefined
  const terms = new Map(one.parameters)
  const client = termsOf('client', terms)
  const server = termsOf('server', terms)
  const isKnown = terms.size === 0 && new Set(one.parameters.map(([name]) => name)).size === one.parameters.length
  return client && server && isKnown ? { deflate: { client, server } } : undefined
}

/** Takes the parameters of one side out of `terms`. Undefined where one of them is none that a response may have. */
function termsOf(side: 'client' | 'server', terms: Map<string, string | undefined>): DeflateTerms | undefined {
  const none = `${side}_no_context_takeover`
  const bits = `${side}_max_window_bits`
  const takeOver = !terms.has(none)
  const windowBits = terms.has(bits) ? terms.get(bits) : '15'
  if (terms.get(none) !== undefined || !/^(?:[89]|1[0-5])$/.test(windowBits ?? '')) return undefined
  terms.delete(none)
  terms.delete(bits)
  return { takeOver, windowBits: Number(windowBits) }
}
