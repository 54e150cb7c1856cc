// What the name and the value of a field are, as one small number: found once where a literal is decoded, kept in HPACK's table.
import { FLAGS, TEXT, TOKEN } from '../h1/bytes.js'

// The low five bits: what the name is. Pseudo-header fields (RFC 9113, 8.3; RFC 8441, 4) come first.
export const REGULAR = 0
export const METHOD = 1
export const SCHEME = 2
export const AUTHORITY = 3
export const PATH = 4
export const PROTOCOL = 5
export const STATUS = 6
export const UNKNOWN_PSEUDO = 7
/** RFC 9113, 8.2.2. */
export const CONNECTION_SPECIFIC = 8
export const TE = 9
export const CONTENT_LENGTH = 10
/** An empty name, one with an uppercase letter, or one that is no token. */
export const BAD_NAME = 11
export const NAME_KIND = 31

// The bits above: what is wrong with the value.
/** A control character other than HTAB: NUL, CR and LF by RFC 9113, 8.2.1, the others as HTTP/1 refuses them. */
export const CONTROL = 32
/** Whitespace at an end (RFC 9113, 8.2.1). */
export const PADDED = 64
/** Whitespace or a control character somewhere: no pseudo-header field may have one. */
export const NOT_VISIBLE = 128

const SPECIAL = new Map<string, number>([
  [':method', METHOD],
  [':scheme', SCHEME],
  [':authority', AUTHORITY],
  [':path', PATH],
  [':protocol', PROTOCOL],
  [':status', STATUS],
  ['connection', CONNECTION_SPECIFIC],
  ['keep-alive', CONNECTION_SPECIFIC],
  ['proxy-connection', CONNECTION_SPECIFIC],
  ['transfer-encoding', CONNECTION_SPECIFIC],
  ['upgrade', CONNECTION_SPECIFIC],
  ['te', TE],
  ['content-length', CONTENT_LENGTH],
])
const COLON = 58

/** By byte: 0 where a name of HTTP/2 may have the byte, which is in no uppercase letter. */
const NOT_IN_NAMES = new Uint8Array(256)
/** By byte: the flags of a value that has the byte. */
const IN_VALUES = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) {
  const flags = FLAGS[byte] as number
  NOT_IN_NAMES[byte] = (flags & TOKEN) !== 0 && !(byte >= 65 && byte <= 90) ? 0 : 1
  if ((flags & TEXT) === 0) IN_VALUES[byte] = CONTROL | NOT_VISIBLE
  if (byte === 32 || byte === 9) IN_VALUES[byte] = NOT_VISIBLE
}

/** The kind of a name. */
export function kindOf(name: string): number {
  const special = SPECIAL.get(name)
  if (special !== undefined) return special
  if (name.length === 0) return BAD_NAME
  if (name.charCodeAt(0) === COLON) return UNKNOWN_PSEUDO
  let wrong = 0
  for (let at = 0; at < name.length; at++) wrong |= NOT_IN_NAMES[name.charCodeAt(at)] ?? 1
  return wrong === 0 ? REGULAR : BAD_NAME
}

/** The flags of the value in the bytes from `start` to `end`. */
export function valueFlags(bytes: Uint8Array, start: number, end: number): number {
  let flags = 0
  for (let at = start; at < end; at++) flags |= IN_VALUES[bytes[at] as number] as number
  if (flags !== 0 && (isSpace(bytes[start]) || isSpace(bytes[end - 1]))) flags |= PADDED
  return flags
}

/** The flags of a value; CONTROL for one with a character above U+00FF, too. */
export function flagsOfText(text: string): number {
  let flags = 0
  for (let at = 0; at < text.length; at++) flags |= IN_VALUES[text.charCodeAt(at)] ?? CONTROL
  if (flags !== 0 && (isSpace(text.charCodeAt(0)) || isSpace(text.charCodeAt(text.length - 1)))) flags |= PADDED
  return flags
}

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 9
}
