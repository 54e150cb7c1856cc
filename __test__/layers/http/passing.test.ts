// Bodies that pass: which are not held, and what those that addons transform are framed as and recorded as.
import test from 'ava'
import type { HttpFlow } from '../../../src/flow/http.js'
import { asked, flowOf, GET, hooks, open, sent } from '../../support/http1-play.js'

const upper = (chunk: Buffer) => chunk.toString().toUpperCase()

/** Sets a function as the `stream` of one side. */
const transforming = (side: 'request' | 'response') => ({
  [`${side}headers`]: (flow: HttpFlow) => {
    const message = flow[side]
    if (message) message.stream = upper
  },
})

const POST = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n'

test('a response that is transformed has no length before its end, and is recorded as it was sent', (t) => {
  const { play, server } = asked({ hooks: transforming('response') })
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab')
  t.deepEqual(play.said(), [
    `send client ${sent('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')}`,
    'transform response "ab"',
  ])
  play.reply('transform', Buffer.from('ABAB'))
  t.deepEqual(play.said(), [`send client ${sent('4\r\nABAB\r\n')}`])
  play.data(server, 'cd')
  t.deepEqual(play.said(), ['transform response "cd"'])
  play.reply('transform', Buffer.alloc(0))
  t.deepEqual(play.said(), ['transform response ""'], 'the end is told once, and with an empty piece')
  play.reply('transform', Buffer.from('!'))
  t.deepEqual(play.said(), [`send client ${sent('1\r\n!\r\n0\r\n\r\n')}`])
  const { response } = flowOf(play)
  t.is(response?.content.toString(), 'ABAB!')
  t.is(response?.body.length, 5)
})

test('a client of HTTP/1.0 reads it to the end of the connection', (t) => {
  const { play, server } = asked({ hooks: transforming('response') }, GET.replace('1.1', '1.0'))
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab')
  const [head] = play.said()
  t.notRegex(String(head), /Content-Length|chunked/)
  play.reply('transform', Buffer.from('AB')).reply('transform', Buffer.from('C'))
  const said = play.said()
  t.true(said.includes(`send client ${sent('AB')}`) && said.includes(`send client ${sent('C')}`))
  t.is(said.at(-1), 'close client')
})

test('a request that is transformed goes on in chunks, and one of HTTP/1.0 as HTTP/1.1', (t) => {
  for (const version of ['1.1', '1.0']) {
    const { play, said } = asked({ hooks: transforming('request') }, `${POST.replace('1.1', version)}ab`)
    t.deepEqual(said, [
      `send server ${sent('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')}`,
      'transform request "ab"',
    ])
    play.reply('transform', Buffer.from('A')).data(play.client, 'cd')
    t.deepEqual(play.said(), [`send server ${sent('1\r\nA\r\n')}`, 'transform request "cd"'])
    play.reply('transform', Buffer.from('B')).reply('transform', Buffer.alloc(0))
    const [last, , end] = play.said()
    t.is(last, `send server ${sent('1\r\nB\r\n')}`)
    t.is(end, `send server ${sent('0\r\n\r\n')}`)
  }
})

test('a transform that fails ends its flow: nothing more is sent', (t) => {
  const { play, server } = asked({ hooks: { ...hooks, ...transforming('response') } })
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab')
  play.said()
  play.reply('transform', undefined)
  t.deepEqual(play.said(), ['close server', 'reset client'])
  t.true(play.hooks.includes('error'))
})

test('the limit on bodies counts what comes, not what is made of it', (t) => {
  const { play, server } = asked({ hooks: transforming('response'), options: { body_size_limit: 3 } })
  play.data(server, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n')
  play.reply('transform', Buffer.alloc(0)).data(server, '2\r\ncd\r\n')
  t.regex(flowOf(play).error?.message ?? '', /a body of more than 3 bytes/)
})

test('a body whose messages an addon may change goes on without its length', (t) => {
  const http_message = () => {}
  const { play, server } = asked({ hooks: { http_message } })
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
  play.data(server, `${head}Content-Length: 9\r\n\r\ndata: a\n\n`)
  t.is(
    play
      .said()
      .map((line) => JSON.parse(String(line).slice('send client '.length)))
      .join(''),
    `${head}Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n0\r\n\r\n`,
  )
})

const TYPES = [
  ...['text/event-stream', 'application/grpc', 'application/grpc-web-text', 'application/x-ndjson'],
  ...['application/json-seq', 'application/geo+json-seq'],
]

test('a response that comes in messages is not held for its hook, in whatever coding, unless its length is announced', (t) => {
  for (const type of TYPES) {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Encoding: gzip\r\n`
    const { play, server } = asked({ hooks })
    play.data(server, `${head}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`)
    t.regex(String(play.said()[0]), /^send client/, type)
    const short = asked({ hooks })
    short.play.data(short.server, `${head}Content-Length: 2\r\n\r\na`)
    t.deepEqual(short.play.said(), [], type)
  }
  const { play, server } = asked({ hooks })
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n')
  t.deepEqual(play.said(), [])
})

test('nor is such a request; stream = false holds both', (t) => {
  const request =
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n'
  const passing = open({ hooks })
  passing.data(passing.client, request)
  t.regex(String(passing.said()[0]), /^open/)
  const held = open({
    hooks: {
      ...hooks,
      requestheaders(flow) {
        flow.request.stream = false
      },
    },
  })
  held.data(held.client, request)
  t.deepEqual(held.said(), [])
  const answered = asked({
    hooks: {
      ...hooks,
      responseheaders(flow) {
        if (flow.response) flow.response.stream = false
      },
    },
  })
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
  answered.play.data(answered.server, `${head}1\r\na\r\n`)
  t.deepEqual(answered.play.said(), [])
})

test('store_streamed_bodies records bodies whole', (t) => {
  const { play, server } = asked({ options: { store_streamed_bodies: true, body_record_limit: 1 } }, `${POST}abcd`)
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nxyz')
  const { request, response } = flowOf(play)
  t.is(request.content.toString(), 'abcd')
  t.is(response?.content.toString(), 'xyz')
})
