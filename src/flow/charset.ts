// Which charset a text is in: by its byte order mark, its Content-Type, or by what it says of itself (HTML, XML, CSS).

/** Bytes of a document in which its own declaration is looked for (HTML, 13.2.3.2; CSS Syntax, 3.2). */
const PRESCAN = 1024

/** What is known of a text's charset. */
export interface Charset {
  /** As it was declared; `utf-8` where nothing is. */
  readonly label: string
  /** `fixed`: the type has no other. `default`: nothing declares one. */
  readonly source: 'bom' | 'fixed' | 'content-type' | 'document' | 'default'
  /** Reads a text; bytes that are none become U+FFFD, and a byte order mark is left out. */
  readonly decode: (bytes: Buffer) => string
  /** The first label that is unknown and was passed over; undefined for none. */
  readonly unknown: string | undefined
}

/** Byte order marks (Encoding, 6): they are stronger than any declaration. */
const MARKS: readonly (readonly [label: string, mark: Buffer])[] = [
  ['utf-8', Buffer.from([0xef, 0xbb, 0xbf])],
  ['utf-16be', Buffer.from([0xfe, 0xff])],
  ['utf-16le', Buffer.from([0xff, 0xfe])],
]

/** The parameter of Content-Type (RFC 9110, 8.3.2), also in single quotes, which some servers send. */
const PARAMETER = /(;\s*)charset\s*=\s*("[^"]*"|'[^']*'|[^\s;,]+)/i

/**
 * The charset of a text. The order: its byte order mark; UTF-8 for JSON (RFC 8259, 8.1) and event streams, which have no other;
 * `charset` of Content-Type; what its first 1,024 bytes declare, in HTML `<meta>`, in XML `<?xml encoding?>`, in CSS `@charset`; UTF-8. A
 * label that the Encoding standard does not know is passed over.
 */
export function charsetOf(content: Buffer, contentType: string | undefined): Charset {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  for (const [label, mark] of MARKS) {
    if (content.subarray(0, mark.length).equals(mark)) return { ...(known(label, 'bom') as Known), unknown: undefined }
  }
  if (/[/+]json$/.test(type) || type === 'text/event-stream') return { ...UTF_8, source: 'fixed', unknown: undefined }
  const parameter = parameterOf(contentType)
  const declared = parameter === undefined ? undefined : known(parameter, 'content-type')
  if (declared?.decode) return { ...declared, unknown: undefined }
  const start = content.subarray(0, PRESCAN).toString('latin1')
  const own = declaredBy(start, type)
  const document = own === undefined ? undefined : known(own, 'document')
  const unknown = parameter ?? (document?.decode ? undefined : own)
  return { ...(document?.decode ? document : UTF_8), unknown }
}

/** Content-Type with `charset=utf-8`, in the place of another charset. */
export function withUtf8(contentType: string): string {
  return PARAMETER.test(contentType)
    ? contentType.replace(PARAMETER, (_, before: string) => `${before}charset=utf-8`)
    : `${contentType}; charset=utf-8`
}

type Known = Omit<Charset, 'unknown'>

function parameterOf(contentType: string | undefined): string | undefined {
  const value = PARAMETER.exec(contentType ?? '')?.[2]
  return value === undefined ? undefined : value.replace(/^(["'])(.*)\1$/, '$2').trim() || undefined
}

function known(label: string, source: Charset['source']): Known | { decode: undefined } {
  try {
    const decoder = new TextDecoder(label)
    return {
      label,
      source,
      decode: decoder.encoding === 'windows-1252' ? windows1252 : (bytes) => decoder.decode(bytes),
    }
  } catch {
    return { decode: undefined }
  }
}

/** What windows-1252 has where Latin-1 has control characters, from 0x80 on: Node 20 reads the one as the other. */
const WINDOWS_1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178'

function windows1252(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\x80-\x9f]/g, (one) => WINDOWS_1252[one.charCodeAt(0) - 0x80] as string)
}

const UTF_8: Known = known('utf-8', 'default') as Known

/** What the beginning of a document says of its charset, by the rules of its type. */
function declaredBy(start: string, type: string): string | undefined {
  let label: string | undefined
  if (type === 'text/css') label = /^@charset "([^"]*)";/.exec(start)?.[1]
  else if (type === 'text/html') label = metaCharset(start) ?? xmlCharset(start)
  else if (/[/+]xml$/.test(type)) label = xmlCharset(start) ?? (type.includes('xhtml') ? metaCharset(start) : undefined)
  // Who could read this as ASCII has no UTF-16 before them.
  return label !== undefined && /^(utf-?16|unicode|ucs-2)/i.test(label.trim()) ? 'utf-8' : label
}

function xmlCharset(start: string): string | undefined {
  return /^<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'>]*)["']/.exec(start)?.[1]
}

/** A comment, which may be open at the end, or a tag with its attributes, in whose values a `>` may stand. */
const TAG = /<!--[\s\S]*?(?:-->|$)|<([a-z/!?][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)/gi
const ATTRIBUTE = /([^\s"'/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"']+))?/g

/** The charset of the first `<meta>` that has one: `charset`, or `content` beside `http-equiv=content-type` (HTML, 13.2.3.2). */
function metaCharset(start: string): string | undefined {
  let first: string | undefined
  for (const [, name, attributes = ''] of start.matchAll(TAG)) {
    if (name?.toLowerCase() !== 'meta') continue
    const values = new Map<string, string>()
    for (const [, attribute = '', value = ''] of attributes.matchAll(ATTRIBUTE)) {
      const key = attribute.toLowerCase()
      if (!values.has(key)) values.set(key, value.replace(/^["']|["']$/g, ''))
    }
    const isType = values.get('http-equiv')?.toLowerCase() === 'content-type'
    const content = isType ? /charset\s*=\s*["']?([^\s;"']+)/i.exec(values.get('content') ?? '')?.[1] : undefined
    const label = values.get('charset') ?? content
    if (label === undefined) continue
    if (known(label, 'document').decode) return label
    first ??= label
  }
  return first
}
