// The two pages that need no secret: the one that asks for the password, and the one that says where the token is.
import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { PAGE_HEADERS } from './headers.js'

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:24rem;margin:15vh auto;padding:0 1rem}
h1{font-size:1.25rem}input,button{font:inherit;padding:.5rem;box-sizing:border-box;width:100%;margin-top:.5rem}
p[role=alert]{color:#b3261e}@media(prefers-color-scheme:dark){p[role=alert]{color:#f2b8b5}}`

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = (content: string) => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>midwire</title><style>${STYLE}</style>
<main><h1>midwire</h1>
${content}
</main></html>
`

const TOKEN_PAGE = page(
  '<p>This page needs a token. Open the URL that midwire has printed when it was started: it ends with <code>?token=…</code></p>',
)

const loginPage = (alert: string) =>
  page(`${alert === '' ? '' : `<p role="alert">${alert}</p>\n`}<form method="post" action="/login">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" autofocus required>
<button>Open</button>
</form>`)

const ALERTS = {
  first: '',
  no: 'This password is wrong.',
  busy: 'Too many passwords were wrong: try again in a minute.',
}

export function sendTokenPage(response: ServerResponse): void {
  send(response, 401, TOKEN_PAGE)
}

export function sendLogin(response: ServerResponse, state: keyof typeof ALERTS): void {
  send(response, state === 'busy' ? 429 : 401, loginPage(ALERTS[state]))
}

function send(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    ...PAGE_HEADERS,
    'Content-Security-Policy': POLICY,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(html),
    'Cache-Control': 'no-store',
  })
  response.end(html)
}
