// Error pages: midwire's own answers where a request is refused, or its server fails, in the form that the client asks for.
import { hostPort } from '../../addresses.js'
import { HttpHeaders } from '../../flow/headers.js'
import { type HttpRequest, HttpResponse } from '../../flow/http.js'
import { adviceFor } from './page-advice.js'
import { type Form, formFor } from './page-form.js'

/** What an error page tells. */
export interface Failure {
  /** A whole number from 400 to 599. */
  readonly status: number
  /**
   * Stable from version to version: Node's code of a connection that failed (ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED ...), or one of
   * midwire's (ADDON, LOOP, VIA ...). Default: the status in words, BAD_REQUEST.
   */
  readonly code?: string | undefined
  /** A sentence for people. It may quote bytes of either side. */
  readonly message: string
  /** Undefined for a request that was not understood: its page is text. */
  readonly request?: HttpRequest | undefined
}

/** Characters of a sentence, or of a host, that a page shows at most. */
const MAX_SHOWN = 1_000

/**
 * The page for a failure, without fields that concern the connection: HTML, JSON (RFC 9457) or text, as the field Accept wants it. The answer
 * to HEAD has the fields alone.
 */
export function errorPage({ status, code, message, request }: Failure): HttpResponse {
  const page = new HttpResponse({ status })
  const error = shown(code ?? page.reason.toUpperCase().replaceAll(/[^A-Z]+/g, '_'))
  const facts: Facts = {
    status,
    title: page.reason,
    error,
    message: shown(message),
    server: request && shown(hostPort(request.prettyHost, request.port)),
    advice: adviceFor(error, message),
  }
  const form = request ? formFor(request.headers.get('accept')) : 'text'
  const content = Buffer.from(WRITERS[form](facts))
  page.headers = new HttpHeaders([
    ...['Content-Type', TYPES[form]],
    ...['Content-Length', String(content.length)],
    ...['Content-Language', 'en'],
    ...['Cache-Control', 'no-store'],
    ...['X-Content-Type-Options', 'nosniff'],
    // The page stands under the server's origin: whatever was in it, it could load, run and send nothing.
    ...['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; sandbox"],
  ])
  if (request?.method !== 'HEAD') page.content = content
  return page
}

/** All that a page shows. No text has control characters. */
interface Facts {
  readonly status: number
  readonly title: string
  readonly error: string
  readonly message: string
  readonly server: string | undefined
  readonly advice: string | undefined
}

const TYPES: Record<Form, string> = {
  text: 'text/plain; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  problem: 'application/problem+json',
}

const WRITERS: Record<Form, (facts: Facts) => string> = { text, html, json, problem: json }

function text({ message, server, error, advice }: Facts): string {
  const lines = [
    `midwire: ${message}`,
    server && `server: ${server}`,
    `error: ${error}`,
    advice && `what to do: ${advice}`,
  ]
  return `${lines.filter((line) => line).join('\n')}\n`
}

/** The members of RFC 9457, 3.1, without `type`, which is then `about:blank`: `title` says what the status means. And three of our own. */
function json({ status, title, error, message, server, advice }: Facts): string {
  return `${JSON.stringify({ status, title, detail: message, error, server, advice })}\n`
}

const STYLE = `:root{color-scheme:light dark}body{max-width:42em;margin:10vh auto;padding:0 1em;font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.4em}p,dd{overflow-wrap:anywhere}dt{opacity:.7}dd{margin:0 0 .8em}footer{opacity:.7;font-size:.9em}`

function html({ status, title, error, message, server, advice }: Facts): string {
  const rows = [
    ...(advice ? [['What to do', sentence(advice)]] : []),
    ...(server ? [['Server', server]] : []),
    ['Error', error],
  ]
  const list = rows.map(([name = '', value = '']) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join('\n')
  const heading = `${status} ${escaped(title)}`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${heading}</title>
<style>${STYLE}</style></head><body>
<h1>${heading}</h1>
<p>${escaped(sentence(message))}</p>
<dl>
${list}
</dl>
<footer>This page is midwire's, and not the server's.</footer>
</body></html>
`
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

/** A text without what moves the cursor of a terminal, hides, or turns the direction of writing; cut where it is long. */
function shown(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text
  return cut.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}
