// What goes to the client, whoever has made it: whether its connection persists is said, and no body is announced that does not come.
import test from 'ava'
import { HttpResponse } from '../../../src/flow/http.js'
import { asked, flowOf, GET, OK, open, sent } from '../../support/http1-play.js'
import { Playbook } from '../../support/playbook.js'

/** As ApacheBench asks with `-k`. */
const AB = 'GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\nHost: x\r\n\r\n'

test('a client of HTTP/1.0 that asks for keep-alive is told that it has it (RFC 9112, 9.3)', (t) => {
  const { play, server } = asked({}, AB)
  play.data(server, OK)
  const told = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello'
  t.deepEqual(play.said(), [`send client ${sent(told)}`])
  play.data(play.client, AB)
  t.is(play.said().length, 1, 'the next request goes on')
  play.data(server, 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi')
  t.deepEqual(play.said(), [
    `send client ${sent('HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi')}`,
  ])
  t.true(play.machine.busy)
})

test('where its body ends with the connection it is told nothing, and the connection closes', (t) => {
  for (const [response, sentOn] of [
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\nab'],
    ['HTTP/1.1 200 OK\r\n\r\nab', 'HTTP/1.1 200 OK\r\n\r\nab'],
  ] as const) {
    const { play, server } = asked({}, AB)
    play.data(server, response)
    play.end(server)
    const said = play.said()
    t.is(said[0], `send client ${sent(sentOn)}`)
    t.true(said.includes('close client'))
  }
})

test('a client of HTTP/1.0 that does not ask is closed', (t) => {
  const { play, server } = asked({}, 'GET /a HTTP/1.0\r\nHost: x\r\n\r\n')
  play.data(server, OK)
  t.deepEqual(play.said(), [`send client ${sent(OK)}`, 'close server', 'close client'])
})

test('a client of HTTP/1.1 is told when its connection closes though the response does not say so', (t) => {
  const { play, server } = asked({}, 'GET /a HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n')
  play.data(server, OK)
  const [answer] = play.said()
  t.is(answer, `send client ${sent('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello')}`)
})

for (const status of [100, 103, 101]) {
  test(`an addon's answer ${status} is refused with a sentence`, (t) => {
    for (const name of ['requestheaders', 'request'] as const) {
      const hooks = { [name]: (flow: { response: unknown }) => (flow.response = new HttpResponse({ status })) }
      const play = open({ hooks })
      play.data(play.client, GET)
      t.regex(play.said().join(), new RegExp(`^send client "HTTP/1.1 502 .*the response status ${status}, after which`))
      t.regex(flowOf(play).error?.message ?? '', /it must be 200 or higher/)
    }
    const { play, server } = asked({
      hooks: {
        responseheaders(flow) {
          if (flow.response) flow.response.status = status
        },
      },
    })
    play.data(server, OK)
    t.regex(play.said().join(), /send client "HTTP\/1\.1 502 .*it must be 200 or higher/)
    const connect = new Playbook('http-proxy', {
      mode: 'regular',
      hooks: { http_connect: (flow) => (flow.response = new HttpResponse({ status })) },
    })
    connect.data(connect.client, 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n')
    t.regex(connect.said().join(), /^send client "HTTP\/1\.1 502 .*it must be 200 or higher.*close client$/)
  })
}

test('a 204 and a 304 of an addon say no length of a body (RFC 9110, 8.6)', (t) => {
  for (const [status, reason] of [
    [204, 'No Content'],
    [304, 'Not Modified'],
  ] as const) {
    const play = open({
      hooks: { request: (flow) => (flow.response = new HttpResponse({ status, content: 'words' })) },
    })
    play.data(play.client, GET)
    t.deepEqual(play.said(), [`send client ${sent(`HTTP/1.1 ${status} ${reason}\r\n\r\n`)}`])
    const headers = { 'Content-Length': '5' }
    const given = open({ hooks: { request: (flow) => (flow.response = new HttpResponse({ status, headers })) } })
    given.data(given.client, GET)
    t.deepEqual(given.said(), [`send client ${sent(`HTTP/1.1 ${status} ${reason}\r\n\r\n`)}`])
  }
})
