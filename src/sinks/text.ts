// Texts and numbers as a terminal shows them: nothing that a peer sends can control the terminal.
import { hostPort } from '../addresses.js'

const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu
const UNSAFE_IN_LINES = /[^\P{Cc}\n\t]|[\p{Bidi_Control}\p{Zl}\p{Zp}]/gu

/** A text on one line: characters that would move the cursor, change colours or turn the direction of writing are escaped. */
export const oneLine = (text: string): string => text.replace(UNSAFE, escaped)

/** The same for a text of several lines. */
export const manyLines = (text: string): string => text.replaceAll('\r\n', '\n').replace(UNSAFE_IN_LINES, escaped)

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** A number of bytes: `0b`, `1.2k`, `314k`, `1.0g`: powers of 1024, as mitmproxy writes them. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes}b`
  let size = bytes
  for (const unit of ['k', 'm', 'g', 't']) {
    size /= 1024
    if (size < 99.95) return `${size.toFixed(1)}${unit}`
    if (size < 1023.5 || unit === 't') return `${size.toFixed(0)}${unit}`
  }
  return `${bytes}b`
}

/** A duration: `7ms`, `1.2s`, `3m20s`. */
export function durationText(milliseconds: number): string {
  const whole = Math.max(0, Math.round(milliseconds))
  if (whole < 1000) return `${whole}ms`
  if (whole < 59_950) return `${(whole / 1000).toFixed(1)}s`
  const seconds = Math.round(whole / 1000)
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`
}

/** Host and port: `192.0.2.1:80`, `[2001:db8::1]:80`, `example.org:80`. */
export const placeText = (host: string, port: number): string => oneLine(hostPort(host, port))

/** The time of day with milliseconds, in the machine's time zone: `12:34:56.789`. */
export function clockText(milliseconds: number): string {
  const date = new Date(milliseconds)
  const two = (number: number) => `${number}`.padStart(2, '0')
  const seconds = `${two(date.getSeconds())}.${`${date.getMilliseconds()}`.padStart(3, '0')}`
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`
}

/** Styles as SGR parameters (ECMA-48, 8.3.117). */
const STYLES = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  magenta: '35',
  cyan: '36',
  boldRed: '1;31',
  boldGreen: '1;32',
  boldYellow: '1;33',
  boldMagenta: '1;35',
  boldCyan: '1;36',
} as const

export type Style = keyof typeof STYLES

export type Paint = (style: Style, text: string) => string

export const painter = (color: boolean): Paint =>
  color ? (style, text) => `\x1b[${STYLES[style]}m${text}\x1b[0m` : (_, text) => text

/** The text in `width` characters at most; the last is an ellipsis where some were cut off. */
export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
