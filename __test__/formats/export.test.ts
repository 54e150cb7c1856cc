// Exports but curl's: raw messages byte by byte, JavaScript that Node runs, and what each format refuses.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpResponse } from '../../src/flow/http.js'
import { EXPORT_FORMATS, type ExportFormat, exportFlow } from '../../src/formats/export/index.js'
import { keepingServer, ran, requestFlow } from '../support/export-flow.js'
import { dnsFlow, httpFlow, tcpFlow } from '../support/flows.js'

/** What a template would run; written so that no template is meant here. */
const RUN = ['$', '{process.exit(3)}'].join('')

const exported = (format: ExportFormat, ...made: Parameters<typeof requestFlow>) =>
  exportFlow(format, requestFlow(...made)).toString('latin1')

test('a raw request is what HTTP/1 sends', (t) => {
  const fields = ['Host', 'example.org', 'X-A', '\xe9']
  t.is(exported('raw_request', { path: '/a?b', fields }), 'GET /a?b HTTP/1.1\r\nHost: example.org\r\nX-A: \xe9\r\n\r\n')
  t.is(
    exported('raw_request', { version: '1.0', fields }, '\xff'),
    'GET / HTTP/1.0\r\nHost: example.org\r\nX-A: \xe9\r\n\r\n\xc3\xbf',
  )
  const second = { version: '2.0', authority: 'example.org:81', fields: ['x-a', 'b'] } as const
  t.is(
    exported('raw_request', { ...second, fields: ['x-a', 'b'] }, 'abc'),
    'GET / HTTP/1.1\r\nHost: example.org:81\r\nx-a: b\r\nContent-Length: 3\r\n\r\nabc',
  )
  t.is(
    exported(
      'raw_request',
      { method: 'POST', fields: ['Host', 'a', 'Transfer-Encoding', 'chunked'] },
      'sixteen bytes ..',
    ),
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nsixteen bytes ..\r\n0\r\n\r\n',
  )
})

test('a chunked body keeps its trailers', (t) => {
  const flow = requestFlow({ method: 'POST', fields: ['Host', 'a', 'Transfer-Encoding', 'gzip, chunked'] })
  flow.request.trailers = new HttpHeaders(['X-Sum', '1'])
  t.true(exportFlow('raw_request', flow).toString('latin1').endsWith('\r\n\r\n0\r\nX-Sum: 1\r\n\r\n'))
})

test('a raw response is what HTTP/1 sends, and raw is both', (t) => {
  const flow = httpFlow({ responseHeaders: ['Content-Length', '6'], reason: 'Fine' })
  const response = 'HTTP/1.1 200 Fine\r\nContent-Length: 6\r\n\r\nhello\n'
  t.is(exportFlow('raw_response', flow).toString('latin1'), response)
  t.is(exportFlow('raw', flow).toString('latin1'), `GET / HTTP/1.1\r\nHost: example.com\r\n\r\n\r\n\r\n${response}`)
  t.is(exported('raw', { fields: ['Host', 'a'] }), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const answered = (version: '1.1' | '2.0', status: number, method = 'GET', fields: string[] = []) => {
    const other = requestFlow({ method })
    other.response = new HttpResponse({ status, reason: '', version, headers: new HttpHeaders(fields) })
    return exportFlow('raw_response', other).toString('latin1')
  }
  t.is(answered('2.0', 200), 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n')
  t.is(answered('2.0', 304), 'HTTP/1.1 304 \r\n\r\n')
  t.is(answered('2.0', 200, 'HEAD'), 'HTTP/1.1 200 \r\n\r\n')
  t.is(
    answered('1.1', 200, 'HEAD', ['Transfer-Encoding', 'chunked']),
    'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n',
  )
})

test('each format says what it cannot export', (t) => {
  for (const format of EXPORT_FORMATS) {
    t.throws(() => exportFlow(format, dnsFlow('1.2.3.4')), { code: 'ERR_ARGUMENT', message: /DNS/ })
    t.throws(() => exportFlow(format, tcpFlow()), { code: 'ERR_ARGUMENT', message: /TCP/ })
  }
  t.throws(() => exported('raw_response', {}), { code: 'ERR_ARGUMENT', message: /no response/ })
  t.throws(() => exported('fetch', {}, 'x'), { code: 'ERR_ARGUMENT', message: /no body with GET/ })
  t.throws(() => exported('crul' as ExportFormat, {}), { code: 'ERR_ARGUMENT', message: /did you mean curl/ })
  t.throws(() => exported('toString' as ExportFormat, {}), { code: 'ERR_ARGUMENT' })
})

test('JavaScript is run by Node, and sends fields, path and body as they were', async (t) => {
  const { port, next } = await keepingServer(t)
  const cwd = mkdtempSync(join(tmpdir(), 'midwire-export-'))
  t.teardown(() => rmSync(cwd, { recursive: true }))
  const bodies = ['', `text \`${RUN}\` </script>\u2028"\\`, Buffer.from([0, 1, 0xff, 0x80])]
  for (const body of bodies) {
    const host = ['Host', `127.0.0.1:${port}`]
    const fields = [
      'X-A',
      `"\\\`${RUN}\`\xe9`,
      'X-B',
      '1',
      'x-b',
      '2',
      'Content-Length',
      '99',
      'Connection',
      'close',
      'Content-Type',
      'x/y',
    ]
    const flow = requestFlow(
      { port, method: body === '' ? 'GET' : 'POST', path: `/a?\`${RUN}\`'#\xe9`, fields: [...host, ...fields] },
      body,
    )
    const code = exportFlow('fetch', flow)
    t.is(await ran(process.execPath, ['--input-type=module'], `${code}`, cwd), '')
    const bytes = await next()
    const [head = ''] = bytes.toString('latin1').split('\r\n\r\n')
    const [first, ...lines] = head.split('\r\n')
    t.is(first, `${flow.request.method} /a?\`${RUN}\`%27%23%E9 HTTP/1.1`)
    const sent = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
    )
    t.is(sent.get('x-a'), fields[1])
    t.is(sent.get('x-b'), '1, 2')
    t.is(sent.get('content-type'), 'x/y')
    t.is(sent.get('host'), `127.0.0.1:${port}`)
    t.deepEqual(bytes.subarray(head.length + 4), Buffer.from(body as string))
  }
})

test('Python gets literals in ASCII that end nowhere else than they should', (t) => {
  const code = exported(
    'python-requests',
    { path: "/'\\", fields: ['X-A', "'\\\xe9", 'X-B', "'); import os #"] },
    "\xff'''",
  )
  t.true(/^[\n\x20-\x7e]*$/.test(code))
  t.true(code.includes(String.raw`'X-A': b'\'\\\xe9',`))
  t.true(code.includes(String.raw`'X-B': '\'); import os #',`))
  t.true(code.includes(String.raw`'http://127.0.0.1/\'\\'`))
  t.true(code.includes(String.raw`data=b'\xc3\xbf\'\'\''`))
})

test('HTTPie gets each field as one that is no JSON and no file', (t) => {
  const command = exported('httpie', { path: '/$(a)', fields: ['X-A', '=1', 'X-B', '@/etc/passwd', 'X-C', ''] })
  t.is(
    command,
    "http --path-as-is --ignore-stdin GET 'http://127.0.0.1/$(a)' 'X-A: =1' 'X-B: @/etc/passwd' 'X-C;' User-Agent: Accept: Accept-Encoding:",
  )
  t.true(exported('httpie', { method: 'POST' }, "a'b").startsWith(`printf 'a\\047b' | http --path-as-is POST `))
})
