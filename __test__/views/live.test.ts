// What comes in messages: Socket.IO, MQTT, DNS.
import test from 'ava'
import { writeDns } from '../../src/flow/dns-message.js'
import { dnsFlow, tcpFlow } from '../support/flows.js'
import { block, shown } from '../support/view.js'

const io = { path: '/socket.io/?EIO=4&transport=websocket', kind: 'websocket' } as const
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

test('Socket.IO: packets over WebSocket', (t) => {
  const table: [string, string][] = [
    ['0{"sid":"x"}', 'open\n  {\n    "sid": "x"\n  }'],
    ['2', 'ping'],
    ['3probe', 'pong\n  probe'],
    ['40', 'message CONNECT'],
    ['42["hello",1]', 'message EVENT\n  [\n    "hello",\n    1\n  ]'],
    ['42/admin,12["a"]', 'message EVENT /admin id 12\n  [\n    "a"\n  ]'],
    ['451-["b",{"_placeholder":true,"num":0}]', 'message BINARY_EVENT with 1 binary attachments\n'],
    ['41/admin', 'message DISCONNECT /admin'],
  ]
  for (const [packet, text] of table) {
    const [view, lines] = shown(packet, io)
    t.is(view, 'socketio', packet)
    t.true(lines.startsWith(text), lines)
  }
  t.is(shown('42["a"]', { kind: 'websocket', path: '/other' })[0], 'text')
})

test('Socket.IO: packets of polling, of version 4 and of version 3', (t) => {
  const polling = { path: '/socket.io/?EIO=4&transport=polling' }
  t.deepEqual(shown('2\x1e41\x1e6', polling), ['socketio', 'ping\nmessage DISCONNECT\nnoop'])
  t.deepEqual(shown('1:21:6', polling), ['socketio', 'ping\nnoop'])
  t.deepEqual(shown('2:402:4', polling), ['socketio', 'message CONNECT\nmessage'])
})

const connect = bytes('10 16 0004 4d515454 04 c2 003c 0002 6964 0001 75 0003 707764')

test('MQTT: packets over TCP, what is published by the view that fits it', (t) => {
  const flow = tcpFlow()
  flow.messages.length = 0
  flow.record(true, connect, 1)
  const show = (content: Buffer, fromClient = true) => shown(content, { kind: 'tcp', flow, fromClient })
  const expected = block(`
    CONNECT MQTT 3.1.1, keep alive 60 s, clean start
      client: "id"
      user: "u"
      password: "pwd"
  `)
  t.deepEqual(show(connect), ['mqtt', expected])
  t.is(show(bytes('20 02 01 00'), false)[1], 'CONNACK session present code 0')
  const publish = Buffer.concat([bytes('33 0e 0003 612f62 0007'), Buffer.from('{"t":1}')])
  t.is(show(publish)[1], 'PUBLISH a/b id 7 qos 1 retain\n  {\n    "t": 1\n  }')
  t.is(show(bytes('82 08 0001 0003 612f23 01 c000'))[1], 'SUBSCRIBE id 1\n  a/# qos 1\nPINGREQ')
  t.is(show(bytes('90 03 0001 80'))[1], 'SUBACK id 1 code 128')
  t.is(show(bytes('e0 00'))[1], 'DISCONNECT')
  t.regex(show(bytes('30 20 0001 61 6262'))[1], /^\(PUBLISH, of which 5 of 32 bytes are here\)\n/)
  t.regex(show(bytes('30 02 0009'))[1], /^PUBLISH\n\(broken: it ends too early\)/)
  t.is(shown(bytes('30 02 0000'), { kind: 'tcp', flow: tcpFlow() })[0], 'hex')
})

test('MQTT 5 has properties', (t) => {
  const five = bytes('10 13 0004 4d515454 05 02 003c 05 1100000e10 0001 61')
  t.regex(
    shown(five, { kind: 'tcp', fromClient: true })[1],
    /^CONNECT MQTT 5, .* properties h'1100000e10'\n {2}client: "a"/,
  )
})

test('DNS messages: of DNS over HTTPS, in the body and in the query', (t) => {
  const { response, request } = dnsFlow('192.0.2.1')
  const answer = writeDns(response ?? request)
  const options = { contentType: 'application/dns-message' }
  t.regex(shown(answer, options)[1], /^QUERY NOERROR id 7.*\nexample\.com IN A\nexample\.com \d+ IN A 192\.0\.2\.1$/)
  const path = `/dns-query?dns=${writeDns(request).toString('base64url')}`
  t.like(shown('', { path, fromClient: true }), { 0: 'dns' })
  t.regex(shown(answer.subarray(0, 20), options)[1], /the view dns has failed: /)
})
