// Exports a request as JavaScript that calls fetch.
import type { AnyFlow } from '../../flow/index.js'
import { OF_THE_CONNECTION, plainText, refused, sendable, urlOf, without } from './message.js'

/**
 * An expression for a module, or for a browser's console: `await fetch(...)`. Fetch writes URLs and some fields in its own way, and those
 * that frame a message by itself. Throws ERR_ARGUMENT for a flow without a request that fetch can send.
 */
export function fetchCall(flow: AnyFlow): string {
  const sent = sendable(flow)
  const { request, origin, fields, body } = sent
  if (body.length > 0 && (request.method === 'GET' || request.method === 'HEAD')) {
    throw refused(`fetch sends no body with ${request.method}`)
  }
  const headers = without(fields, ...OF_THE_CONNECTION, ...(fields.some((one) => isHost(one, origin)) ? ['host'] : []))
  const parts = [`  method: ${literal(request.method)},\n`]
  if (headers.length > 0) {
    const rows = headers.map(([name, value]) => `    [${literal(name)}, ${literal(value)}],\n`)
    parts.push(`  headers: [\n${rows.join('')}  ],\n`)
  }
  if (body.length > 0) parts.push(`  body: ${content(body)},\n`)
  // A redirect is an answer like others here, as it was for the client.
  parts.push("  redirect: 'manual',\n")
  return `await fetch(${literal(urlOf(sent))}, {\n${parts.join('')}})\n`
}

const isHost = ([name, value]: readonly [string, string], origin: string): boolean =>
  name.toLowerCase() === 'host' && origin.endsWith(`//${value}`)

/** The body as bytes: with a string, fetch would add a Content-Type. */
function content(body: Buffer): string {
  const text = plainText(body, /[\t\r\n]/)
  return text === undefined
    ? `Uint8Array.from(atob(${literal(body.toString('base64'))}), (one) => one.charCodeAt(0))`
    : `new TextEncoder().encode(${literal(text)})`
}

/** A string in ASCII that means the same in JavaScript; `</script>` does not end a script in it. */
const literal = (text: string): string =>
  JSON.stringify(text).replace(/[<\x7f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
