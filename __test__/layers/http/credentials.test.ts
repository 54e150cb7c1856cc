// Proxy-Authorization from a client of an explicit proxy: the first hook sees the field; servers, later hooks and outputs never do.
import test from 'ava'
import { type HttpFlow, HttpResponse } from '../../../src/flow/http.js'
import { flowOf, OK, open, sent } from '../../support/http1-play.js'
import { Playbook, type PlaybookOptions } from '../../support/playbook.js'

const FIELD = 'Proxy-Authorization: Basic YTpi\r\n'
const PLAIN = 'GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n'
const CONNECT = 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n'
const withField = (head: string, field = FIELD) => head.replace(/\r\n\r\n$/, `\r\n${field}\r\n`)
const toServer = `send server ${sent('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n')}`
const explicit = (options: PlaybookOptions = {}) => new Playbook('http-proxy', { mode: 'regular', ...options })

const fieldOf = (flow: HttpFlow) => flow.request.headers.get('proxy-authorization')

test('requestheaders sees the field, and request, the server and the outputs do not', (t) => {
  const seen: (string | undefined)[] = []
  const note = (flow: HttpFlow) => void seen.push(fieldOf(flow))
  const play = explicit({ hooks: { requestheaders: note, request: note, response: note } })
  play.data(play.client, withField(PLAIN))
  const server = play.opened()
  t.is(play.said().at(-1), toServer)
  play.data(server, OK)
  t.deepEqual(seen, ['Basic YTpi', undefined, undefined])
  t.is(fieldOf(flowOf(play)), undefined)
})

test('without hooks it is removed as well, also where there are several', (t) => {
  const play = explicit()
  play.data(play.client, withField(PLAIN, `${FIELD}proxy-authorization: other\r\n`))
  play.opened()
  t.is(play.said().at(-1), toServer)
})

test('it is removed where requestheaders answers, kills, fails, or is still running when the client goes', (t) => {
  for (const requestheaders of [
    (flow: HttpFlow) => void Object.assign(flow, { response: new HttpResponse({ status: 407 }) }),
    (flow: HttpFlow) => flow.kill(),
    (flow: HttpFlow) => void Object.assign(flow, { error: { message: 'addon x failed', timestamp: 0 } }),
  ]) {
    const play = explicit({ hooks: { requestheaders } })
    play.data(play.client, withField(PLAIN))
    t.is(play.finished.length, 1)
    t.is(fieldOf(flowOf(play)), undefined)
  }
  const play = explicit({ hooks: 'wait' })
  play.data(play.client, withField(PLAIN))
  play.close(play.client, 'gone')
  while (play.finished.length === 0) play.reply('hook')
  t.is(fieldOf(flowOf(play)), undefined)
})

test('a field that an addon has set goes to the server', (t) => {
  const set = (flow: HttpFlow) => flow.request.headers.set('Proxy-Authorization', 'Basic eDp5')
  for (const request of [PLAIN, withField(PLAIN)]) {
    const play = explicit({ hooks: { requestheaders: set } })
    play.data(play.client, request)
    play.opened()
    t.regex(play.said().at(-1) ?? '', /Proxy-Authorization: Basic eDp5/)
  }
})

test('http_connect sees the field, and the later hooks and the outputs do not', (t) => {
  const seen: (string | undefined)[] = []
  const note = (flow: HttpFlow) => void seen.push(fieldOf(flow))
  const play = explicit({ hooks: { http_connect: note, http_connected: note } })
  play.data(play.client, withField(CONNECT))
  play.opened()
  t.deepEqual(seen, ['Basic YTpi', undefined])
  const refused = explicit({
    hooks: { http_connect: (flow) => void Object.assign(flow, { response: new HttpResponse({ status: 407 }) }) },
  })
  refused.data(refused.client, withField(CONNECT))
  t.is(fieldOf(flowOf(refused)), undefined)
})

test('it is for the server where midwire is not the proxy that the client means', (t) => {
  const request = withField('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n')
  const transparent = open()
  transparent.data(transparent.client, request)
  transparent.opened()
  t.is(transparent.said().at(-1), `send server ${sent(request)}`)
  const inTunnel = explicit()
  inTunnel.data(inTunnel.client, withField(CONNECT))
  inTunnel.opened()
  inTunnel.said()
  inTunnel.data(inTunnel.client, request)
  t.is(inTunnel.said().at(-1), `send server ${sent(request)}`)
})
