// What a terminal shows of flows, at each level of detail; and that what peers say stays text.
import { gzipSync } from 'node:zlib'
import test from 'ava'
import type { AnyFlow } from '../../src/flow/index.js'
import { type TerminalOptions, terminalSink } from '../../src/sinks/terminal.js'
import { dnsFlow, httpFlow, tcpFlow, udpFlow, webSocketFlow } from '../support/flows.js'

function shown(flow: AnyFlow, options: TerminalOptions = {}, columns?: number): string {
  let text = ''
  const sink = terminalSink({ write: (more) => (text += more), columns }, options)
  sink.flow?.(flow)
  void sink.close?.()
  return text
}

test('a line a flow: HTTP', (t) => {
  t.is(shown(httpFlow()), '10.0.0.1:51234: GET https://example.com/ << 200 OK 6b 35ms\n')
  t.is(
    shown(httpFlow({ method: 'POST', status: 404, reason: '', responseBody: 'x'.repeat(2048), limit: 10 })),
    '10.0.0.1:51234: POST https://example.com/ << 404 2.0k 35ms\n',
  )
})

test('without showhost, URLs have the address that was dialled', (t) => {
  t.regex(shown(httpFlow(), { showhost: false }), /GET https:\/\/93\.184\.216\.34:443\/ <</)
})

test('a failure is told, with a response or without', (t) => {
  const flow = httpFlow()
  flow.error = { message: 'the connection was reset', timestamp: 1 }
  t.regex(shown(flow), / << 200 OK 6b 35ms << the connection was reset\n$/)
  flow.response = undefined
  t.regex(shown(flow), /example\.com\/ << the connection was reset\n$/)
})

test('an upgrade says to what', (t) => {
  const flow = httpFlow({ status: 101, reason: 'Switching Protocols', responseBody: '' })
  flow.upgrade = 'websocket'
  t.regex(shown(flow), / << 101 Switching Protocols \(websocket\) 35ms\n$/)
})

test('a WebSocket: bytes and messages of each way, how it was closed, and from detail 3 on the messages', (t) => {
  const flow = webSocketFlow()
  const said = / << 101 Switching Protocols \(websocket\) >> 5b \(1\) << 7b \(2\) 35ms\n$/
  t.regex(shown(flow), said)
  if (flow.websocket) Object.assign(flow.websocket, { closeCode: 1001, closeReason: 'bye\x1b' })
  t.regex(shown(flow), / << 7b \(2\) closed 1001 bye\\x1b 35ms\n$/)
  t.notRegex(shown(flow, { flow_detail: 2 }), /hello/)
  const three = shown(flow, { flow_detail: 3 })
  t.regex(
    three,
    /^ >> text 5b\n {4}hello\n << binary 3b dropped\n {4}00000000 {2}01 02 03 .*\n << text 4b\n {4}back\n >> text 3b injected\n {4}own$/m,
  )
  t.notRegex(three, /not kept/)
  if (flow.websocket) flow.websocket.truncated = true
  t.regex(shown(flow, { flow_detail: 3 }), /not kept/)
})

test('a line a flow: raw TCP and UDP, with the bytes of each way', (t) => {
  t.is(shown(tcpFlow()), '10.0.0.1:51234 <-> ssh.example.com:22 tcp >> 11b << 4b 2.1s\n')
  const noted = Object.assign(tcpFlow(), { comment: 'not\ndecrypted' })
  t.is(shown(noted), '10.0.0.1:51234 <-> ssh.example.com:22 tcp >> 11b << 4b 2.1s (not\\ndecrypted)\n')
  t.is(shown(tcpFlow(), { showhost: false }), '10.0.0.1:51234 <-> 93.184.216.34:22 tcp >> 11b << 4b 2.1s\n')
  const failed = udpFlow()
  failed.error = { message: 'nobody answers', timestamp: 1 }
  t.is(shown(failed), '10.0.0.1:51234 <-> 93.184.216.34:443 udp >> 4b << 4b 0ms << nobody answers\n')
})

test('a line a flow: DNS', (t) => {
  t.is(shown(dnsFlow('192.0.2.1', '192.0.2.2')), '10.0.0.1:51234: DNS A example.com << 192.0.2.1, 192.0.2.2\n')
  t.is(shown(dnsFlow(3)), '10.0.0.1:51234: DNS A example.com << NXDOMAIN\n')
  t.is(shown(dnsFlow(0)), '10.0.0.1:51234: DNS A example.com << no records\n')
})

test('detail 0 shows nothing, 2 headers, 3 bodies that are cut, 4 everything', (t) => {
  const body = Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n')
  const flow = httpFlow({ responseBody: body })
  t.is(shown(flow, { flow_detail: 0 }), '')
  const two = shown(flow, { flow_detail: 2 })
  t.regex(two, /^ {4}Host: example\.com$/m)
  t.regex(two, /^ << 200 OK [\s\S]*^ {4}Content-Type: text\/plain$/m)
  t.notRegex(two, /line 0/)
  const three = shown(flow, { flow_detail: 3, content_view_lines_cutoff: 5 })
  t.regex(three, /^ {4}line 4$/m)
  t.notRegex(three, /line 5/)
  t.regex(three, /cut off/)
  const four = shown(flow, { flow_detail: 4, content_view_lines_cutoff: 5 })
  t.regex(four, /^ {4}line 19$/m)
  t.notRegex(four, /cut off/)
})

test('from detail 2 on the process of a client on this machine has a line, whatever the kind of flow', (t) => {
  for (const flow of [httpFlow(), tcpFlow(), udpFlow(), dnsFlow('192.0.2.7')]) {
    const process = { pid: 7, path: '/bin/curl', commandLine: 'curl\x1b[2J -v', container: 'c0ffee'.repeat(8) }
    Object.assign(flow, { client: { ...flow.client, process } })
    t.notRegex(shown(flow, { flow_detail: 1 }), /curl/)
    const [, second = ''] = shown(flow, { flow_detail: 2 }).split('\n')
    t.regex(second, /^ {4}process 7 in container c0ffeec0ffee: curl.* -v$/)
    t.false(second.includes('\x1b'))
  }
})

test('compressed bodies are shown as text, binary ones as a short hex dump', (t) => {
  const headers = ['Content-Encoding', 'gzip']
  t.regex(
    shown(httpFlow({ responseHeaders: headers, responseBody: gzipSync('clear') }), { flow_detail: 3 }),
    /^ {4}clear$/m,
  )
  const binary = shown(httpFlow({ responseBody: Buffer.alloc(1000, 'a\0') }), { flow_detail: 3 })
  t.regex(binary, /^ {4}00000000 {2}61 00 61 00 .* a\.a\.a\.a\.a\.a\.a\.a\.$/m)
  t.is(binary.match(/^ {4}[0-9a-f]{8} /gm)?.length, 16)
  t.regex(binary, /\(1000b in all\)/)
})

test('a body that cannot be decoded as a whole is shown as far as it can be, and the reason with it', (t) => {
  const cut = gzipSync(Array.from({ length: 999 }, (_, at) => at).join('\n')).subarray(0, 400)
  const responseHeaders = ['Content-Encoding', 'gzip']
  t.regex(
    shown(httpFlow({ responseHeaders, responseBody: cut }), { flow_detail: 3 }),
    /^ {4}0\n {4}1\n {4}2\n[\s\S]*\n {4}\(the gzip body is cut short: this is what could be decoded of it\)\n/m,
  )
  t.regex(
    shown(httpFlow({ responseHeaders, responseBody: 'clear' }), { flow_detail: 3 }),
    /^ {4}clear\n {4}\(the body is not gzip, as Content-Encoding says: these are its bytes\)\n/m,
  )
})

test('messages of raw flows, and that some were not kept', (t) => {
  const tcp = shown(tcpFlow(), { flow_detail: 3 })
  t.regex(tcp, /^ >> 11b\n {4}SSH-2\.0-a\n << 4b\n {4}00000000 {2}00 01 02 ff/m)
  t.regex(shown(udpFlow(), { flow_detail: 4 }), /was not kept|were not kept/)
})

test('a terminal cuts the URL and not the answer; a pipe cuts nothing', (t) => {
  const flow = httpFlow({ path: `/${'p'.repeat(300)}` })
  const [line = ''] = shown(flow, {}, 100).split('\n')
  t.is(line.length, 100)
  t.regex(line, /p… << 200 OK 6b 35ms$/)
  t.true(shown(flow).length > 300)
  t.true(shown(flow, {}, 20).length > 20)
  t.is(shown(dnsFlow(...Array.from({ length: 40 }, (_, index) => `192.0.2.${index}`)), {}, 100).trimEnd().length, 100)
})

test('colours by the class of the status, and none unless wanted', (t) => {
  const start = '\x1b['
  t.false(shown(httpFlow()).includes(start))
  for (const [status, code] of [
    [200, '1;32'],
    [302, '1;35'],
    [404, '1;33'],
    [500, '1;31'],
  ] as const) {
    t.true(shown(httpFlow({ status, reason: 'R' }), { color: true }).includes(`${start}${code}m ${status} R${start}0m`))
  }
})

test('colours do not count as width', (t) => {
  const flow = httpFlow({ path: `/${'p'.repeat(300)}` })
  const plain = shown(flow, {}, 100)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
  t.is(shown(flow, { color: true }, 100).replace(/\x1b\[[\d;]*m/g, ''), plain)
})

test('nothing that a peer says can control the terminal', (t) => {
  const evil = '\x1b]0;owned\x07\x9b31m\r\n\u202e\x7f\x00'
  const flow = httpFlow({
    method: `G${evil}`,
    path: `/${evil}`,
    reason: evil,
    requestHeaders: ['Host', evil, evil, evil],
    responseHeaders: [evil, evil],
    responseBody: `${evil}\n\ttext`,
  })
  flow.error = { message: evil, timestamp: 1 }
  const raw = tcpFlow()
  raw.record(true, Buffer.from(evil), 1)
  raw.error = { message: evil, timestamp: 1 }
  const dns = dnsFlow('192.0.2.1')
  dns.request = { ...dns.request, questions: [{ name: evil, type: 1, class: 1 }] }
  for (const flow_detail of [1, 2, 3, 4]) {
    for (const one of [flow, raw, dns]) {
      const text = shown(one, { flow_detail })
      t.notRegex(text, /[^\P{Cc}\n\t]|\p{Bidi_Control}/u)
      if (flow_detail === 1) t.is(text.split('\n').length, 2)
    }
  }
})

test('a field in UTF-8 is readable, one in latin1 is as it is', (t) => {
  const headers = ['A', Buffer.from('grün').toString('latin1'), 'B', 'gr\u00fcn']
  const text = shown(httpFlow({ responseHeaders: headers }), { flow_detail: 2 })
  t.regex(text, /A: grün\n {4}B: grün/)
})

test('only flows that match the filter are shown', (t) => {
  t.is(shown(httpFlow(), { dumper_filter: '~dns' }), '')
  t.not(shown(dnsFlow('192.0.2.1'), { dumper_filter: '~dns' }), '')
})

test('an output that fails or is slow stops nobody', async (t) => {
  const failing = terminalSink({
    write: () => {
      throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    },
  })
  failing.flow?.(httpFlow())
  await t.notThrowsAsync(async () => failing.close?.())

  let text = ''
  const slow = { writableLength: 5 * 1024 * 1024, write: (more: string) => (text += more) }
  const sink = terminalSink(slow)
  for (let count = 0; count < 3; count++) sink.flow?.(httpFlow())
  slow.writableLength = 0
  sink.flow?.(httpFlow())
  await sink.close?.()
  t.regex(text, /^\(3 flows were not shown: the terminal is too slow\)\n10\.0\.0\.1[^\n]*\n$/)
})

test('the lines of one turn are one write', async (t) => {
  const writes: string[] = []
  const sink = terminalSink({ write: (text) => writes.push(text) })
  for (let count = 0; count < 100; count++) sink.flow?.(httpFlow())
  await new Promise(setImmediate)
  t.is(writes.length, 1)
  t.is(writes[0]?.split('\n').length, 101)
})
