// Values that are cut out of flows, by mitmproxy's names, and the CSV of them.
import test from 'ava'
import type { AnyFlow } from '../../src/flow/index.js'
import { CUT_FIELDS, csv, parseCuts } from '../../src/formats/cut.js'
import { client, dnsFlow, httpFlow, tcpFlow } from '../support/flows.js'

const cut = (flow: AnyFlow, list: string) => parseCuts(list)(flow)

test('mitmproxy names the fields, and each has its value', (t) => {
  const flow = httpFlow({
    method: 'POST',
    path: '/a,b',
    requestHeaders: ['Host', 'example.com', 'X-A', '1', 'x-a', '2'],
    requestBody: 'sent',
    responseHeaders: ['Content-Type', 'text/plain'],
    responseBody: 'got "it"',
  })
  flow.marked = ':star:'
  flow.error = { message: 'lost', timestamp: 1500 }
  t.deepEqual(cut(flow, 'request.method, request.scheme,request.host,request.port,request.path'), [
    ...['POST', 'https', '93.184.216.34', '443', '/a,b'],
  ])
  t.deepEqual(cut(flow, 'request.url,request.http_version,request.timestamp_start,request.timestamp_end'), [
    ...['https://example.com/a,b', 'HTTP/1.1', '1', ''],
  ])
  t.deepEqual(cut(flow, 'request.header[x-A],request.header[none],response.header[content-type]'), [
    '1, 2',
    '',
    'text/plain',
  ])
  t.deepEqual(cut(flow, 'request.content,response.raw_content,response.text'), [
    Buffer.from('sent'),
    Buffer.from('got "it"'),
    'got "it"',
  ])
  t.deepEqual(cut(flow, 'response.status_code,response.reason,type,marked,error.msg,error.timestamp'), [
    ...['200', 'OK', 'http', ':star:', 'lost', '1.5'],
  ])
  t.deepEqual(cut(flow, 'client_conn.peername.host,client_conn.peername.port,client_conn.sockname.port'), [
    ...['10.0.0.1', '51234', '443'],
  ])
  t.deepEqual(cut(flow, 'server_conn.peername.host,server_conn.tls_established,server_conn.sni'), [
    '93.184.216.34',
    'false',
    '',
  ])
})

test('what a flow does not have is empty', (t) => {
  const flow = httpFlow()
  flow.response = undefined
  flow.server = undefined
  for (const one of [flow, dnsFlow('1.2.3.4'), tcpFlow()]) {
    t.deepEqual(cut(one, 'response.status_code,response.header[a],response.content'), ['', '', ''])
  }
  t.deepEqual(cut(flow, 'server_conn.peername.host'), [''])
  t.deepEqual(cut(dnsFlow('1.2.3.4'), 'request.method,type'), ['', 'dns'])
  for (const field of CUT_FIELDS) t.notThrows(() => cut(flow, field.replace('NAME', 'host')))
})

test('a certificate is PEM', (t) => {
  const flow = httpFlow()
  Object.assign(flow, { client: { ...client, tls: { certificates: [Buffer.alloc(60, 1)], establishedAt: 1 } } })
  const [text, done] = cut(flow, 'client_conn.certificate_list,client_conn.tls_established')
  t.regex(
    `${text}`,
    /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=]{64}\n[A-Za-z0-9+/=]{16}\n-----END CERTIFICATE-----\n$/,
  )
  t.is(done, 'true')
})

test('an unknown field is an error that names the nearest', (t) => {
  for (const field of [
    '',
    'request',
    'request.',
    'request.status_code',
    '__proto__',
    'request.constructor',
    'client_conn.toString',
  ]) {
    t.throws(() => parseCuts(field), { code: 'ERR_ARGUMENT' }, field)
  }
  t.throws(() => parseCuts('request.metod'), { message: /did you mean request\.method\?/ })
  t.throws(() => parseCuts('request.method,'), { code: 'ERR_ARGUMENT' })
})

test('CSV quotes what would end a cell', (t) => {
  t.is(
    csv([
      ['a', 'b,c', 'd"e', 'f\ng'],
      [Buffer.from('h\r\n'), '', 'ü', '1'],
    ]),
    'a,"b,c","d""e","f\ng"\r\n"h\r\n",,ü,1\r\n',
  )
  t.is(csv([]), '')
})
