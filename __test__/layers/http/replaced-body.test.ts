// Bodies that addons replace before they have come, in requestheaders and responseheaders.
import test from 'ava'
import type { HttpFlow } from '../../../src/flow/http.js'
import { flowOf, GET, OK, open, sent } from '../../support/http1-play.js'

for (const [what, set] of [
  ['content', (flow: HttpFlow) => void Object.assign(flow.request, { content: 'mine' })],
  ['text', (flow: HttpFlow) => void Object.assign(flow.request, { text: 'mine' })],
] as const) {
  test(`${what} that requestheaders sets is sent, and the body that comes is dropped`, (t) => {
    const seen: string[] = []
    const request = ({ request }: HttpFlow) => void seen.push(`${request.content}`)
    const play = open({ hooks: { requestheaders: set, request } })
    play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n')
    t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 100 Continue\r\n\r\n')}`])
    play.data(play.client, '5\r\nthere\r\n')
    t.deepEqual(play.said(), [])
    play.data(play.client, `0\r\n\r\n${GET}`)
    const server = play.opened()
    t.deepEqual(play.said().slice(1), [
      `send server ${sent('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nmine')}`,
    ])
    t.deepEqual(seen, ['mine'])
    play.data(server, OK)
    t.is(
      play.said().at(-1),
      `send server ${sent('GET /a HTTP/1.1\r\nHost: example.org\r\nContent-Length: 4\r\n\r\nmine')}`,
    )
    t.is(flowOf(play).request.body.length, 4)
  })
}

test('content that requestheaders sets is sent though the body would have passed as it comes', (t) => {
  const requestheaders = ({ request }: HttpFlow) => {
    request.stream = true
    request.content = 'mine'
  }
  const play = open({ hooks: { requestheaders } })
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nthere')
  play.opened()
  t.deepEqual(play.said().slice(1), [
    `send server ${sent('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nmine')}`,
  ])
})

for (const framing of ['Content-Length: 9', 'Transfer-Encoding: chunked', 'X-Body: to the end']) {
  test(`content that responseheaders sets is sent at once, and no more of the server's (${framing})`, (t) => {
    const seen: string[] = []
    const play = open({
      hooks: {
        responseheaders: ({ response }) => void Object.assign(response ?? {}, { content: 'mine' }),
        response: ({ response }) => void seen.push(`${response?.content}`),
      },
    })
    play.data(play.client, GET)
    const server = play.opened()
    play.said()
    play.data(server, `HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nth`)
    const [answer, close] = play.said()
    t.regex(`${answer}`, /^send client "HTTP\/1\.1 200 OK\\r\\n.*Content-Length: 4\\r\\n\\r\\nmine"$/)
    t.notRegex(`${answer}`, /chunked/)
    t.is(close, 'close server', 'what is left of the body would be taken for the next answer')
    t.deepEqual(seen, ['mine'])
    play.data(play.client, GET)
    t.regex(`${play.said()[0]}`, /^open /, 'the client goes on')
  })
}
