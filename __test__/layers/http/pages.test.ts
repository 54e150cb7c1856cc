// Error pages: the form that the client wants, what they say, and that nothing of a peer's is taken for markup.
import test from 'ava'
import { HttpHeaders } from '../../../src/flow/headers.js'
import { HttpRequest } from '../../../src/flow/http.js'
import { formFor } from '../../../src/layers/http/page-form.js'
import { errorPage } from '../../../src/layers/http/pages.js'
import { asked, flowOf, GET, open } from '../../support/http1-play.js'

function request(fields: Record<string, string> = {}, method = 'GET'): HttpRequest {
  const headers = HttpHeaders.from({ Host: 'example.org', ...fields })
  return new HttpRequest(
    { method, path: '/', scheme: 'http', host: '192.0.2.1', port: 80, version: '1.1', headers },
    0,
    0,
  )
}

const page = (accept: string, message = 'it is gone', code: string | undefined = 'ECONNREFUSED') =>
  errorPage({ status: 502, code, message, request: request({ Accept: accept }) })

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
const HOSTILE = `<script>alert("1")</script> &amp; 'x' \u001b[31m\u202e\r\nSet-Cookie: a`

test('the form follows the Accept field', (t) => {
  for (const [accept, form] of [
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/*', 'text'],
    [BROWSER, 'html'],
    ['image/avif,image/webp,*/*;q=0.8', 'text'],
    ['application/json', 'json'],
    ['Application/JSON;charset="a,b;q=0"', 'json'],
    ['application/json, text/plain, */*', 'json'],
    ['text/plain, application/json, */*', 'text'],
    ['application/json;q=0.5, text/html', 'html'],
    ['application/json;q=0.5, text/html;q=0.4', 'json'],
    ['application/*', 'json'],
    ['application/problem+json', 'problem'],
    ['application/vnd.api+json', 'json'],
    ['*/json', 'json'],
    ['application/json;q=0, */*', 'text'],
    ['text/plain;q=0, text/html;q=0, */*;q=0.1', 'json'],
    ['image/png', 'text'],
    ['*/*;q=0', 'text'],
    ['text/html;q=nonsense', 'html'],
    [',;,;q=,"', 'text'],
  ] as const) {
    t.is(formFor(accept), form, String(accept))
  }
})

test('a page says what has failed, for which server, and what to do, in each form', (t) => {
  const text = page('*/*')
  t.is(text.headers.get('content-type'), 'text/plain; charset=utf-8')
  t.is(
    text.content.toString(),
    'midwire: it is gone\nserver: example.org:80\nerror: ECONNREFUSED\n' +
      'what to do: check that the server runs, and that the port is right\n',
  )
  const json = page('application/json')
  t.is(json.headers.get('content-type'), 'application/json')
  t.deepEqual(JSON.parse(json.content.toString()), {
    status: 502,
    title: 'Bad Gateway',
    detail: 'it is gone',
    error: 'ECONNREFUSED',
    server: 'example.org:80',
    advice: 'check that the server runs, and that the port is right',
  })
  t.is(page('application/problem+json').headers.get('content-type'), 'application/problem+json')
  const html = page(BROWSER)
  t.is(html.headers.get('content-type'), 'text/html; charset=utf-8')
  for (const said of [
    '<h1>502 Bad Gateway</h1>',
    'It is gone',
    'example.org:80',
    'ECONNREFUSED',
    'Check that the server',
  ])
    t.true(html.content.toString().includes(said), said)
  for (const { headers, status, content } of [text, json, html]) {
    t.is(status, 502)
    t.is(headers.get('content-length'), String(content.length))
    t.is(headers.get('x-content-type-options'), 'nosniff')
    t.is(headers.get('content-language'), 'en')
    t.is(headers.get('cache-control'), 'no-store')
    t.regex(headers.get('content-security-policy') ?? '', /^default-src 'none';.* sandbox$/)
    t.false(headers.has('connection'), 'HTTP/2 has no such field')
  }
})

test('nothing of a peer is markup, moves a cursor, or turns the writing', (t) => {
  for (const accept of ['*/*', 'application/json', BROWSER]) {
    const evil = errorPage({
      status: 502,
      code: HOSTILE,
      message: HOSTILE,
      request: request({ Accept: accept, Host: `<b>"'&\u00e9` }),
    })
    const text = evil.content.toString()
    t.notRegex(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u, accept)
    if (accept !== BROWSER) continue
    const body = text.slice(text.indexOf('<body>'))
    t.notRegex(body, /<(script|b)>/)
    t.notRegex(body, /&(?!(amp|lt|gt|quot|#39);)/)
    t.true(body.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp;amp; &#39;x&#39; \\u001b[31m\\u202e'))
  }
  t.is(page('*/*', 'a'.repeat(100_000)).content.toString().split('\n')[0]?.length, 'midwire: '.length + 1_000 + 3)
})

test('a sentence that says what to do stands alone; a certificate has advice; no code is the status in words', (t) => {
  const advice = (message: string, code?: string) =>
    JSON.parse(
      errorPage({ status: 502, code, message, request: request({ Accept: 'application/json' }) }).content.toString(),
    )
  t.is(advice('not trusted; accept it with -k (--ssl-insecure)', 'CERT_HAS_EXPIRED').advice, undefined)
  t.regex(advice('not trusted', 'CERT_HAS_EXPIRED').advice, /ssl_verify_upstream_trusted_ca=FILE.* -k/)
  t.is(advice('odd', undefined).error, 'BAD_GATEWAY')
  t.is(advice('odd', 'ODD').advice, undefined)
  t.true(errorPage({ status: 431, message: 'long' }).content.toString().includes('REQUEST_HEADER_FIELDS_TOO_LARGE'))
})

test('the answer to HEAD has the fields of the page, and no content', (t) => {
  const failure = { status: 504, message: 'no answer' }
  const head = errorPage({ ...failure, request: request({}, 'HEAD') })
  const get = errorPage({ ...failure, request: request() })
  t.is(head.content.length, 0)
  t.deepEqual(head.headers.raw, get.headers.raw)
})

test('HTTP/1 answers in the form that the client wants, with the code of what has failed', (t) => {
  const wants = GET.replace('\r\n\r\n', '\r\nAccept: application/json\r\n\r\n')
  const read = (said: string[]) => {
    const line = said.find((one) => one.startsWith('send client ')) ?? ''
    const [head = '', body = ''] = JSON.parse(line.slice('send client '.length)).split('\r\n\r\n')
    return { head, body }
  }
  const refused = open()
  refused.data(refused.client, wants)
  refused.openFailed('ECONNREFUSED', '192.0.2.1:80: the connection was refused')
  const one = read(refused.said())
  t.regex(one.head, /^HTTP\/1\.1 502 Bad Gateway\r\nContent-Type: application\/json\r\n.*\r\nConnection: close$/s)
  t.is(JSON.parse(one.body).error, 'ECONNREFUSED')

  const { play, server } = asked({}, wants)
  play.data(server, 'nonsense\r\n\r\n')
  t.is(JSON.parse(read(play.said()).body).error, 'BAD_GATEWAY')

  const large = asked({ options: { body_size_limit: 2 } }, wants)
  large.play.data(large.server, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
  t.regex(flowOf(large.play).error?.message ?? '', /more than 2 bytes/)

  const post = wants.replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 5\r\n\r\nhello')
  const upload = open({ options: { body_size_limit: 2 }, hooks: { request() {} } })
  upload.data(upload.client, post)
  const three = read(upload.said())
  t.regex(three.head, /^HTTP\/1\.1 413 /)
  t.is(JSON.parse(three.body).error, 'BODY_TOO_LARGE')
  t.regex(JSON.parse(three.body).advice, /body_size_limit/)

  const addon = open({
    hooks: {
      requestheaders(flow) {
        flow.error = { message: 'addon x has failed in requestheaders: <oops>', timestamp: 0 }
      },
    },
  })
  addon.data(addon.client, wants)
  t.is(JSON.parse(read(addon.said()).body).error, 'ADDON')

  const garbage = open()
  garbage.data(garbage.client, 'GET / HTTP/1.1\r\nAccept: text/html\r\n<script>\r\n\r\n')
  const four = read(garbage.said())
  t.regex(four.head, /Content-Type: text\/plain/)
  t.regex(four.body, /^midwire: .*\nerror: BAD_REQUEST\n/)
})
