// `flow.kill()` of an HTTP flow: the client's connection, or its stream, ends by a reset or in order, and nothing is answered.
import test from 'ava'
import type { HttpFlow } from '../../../src/flow/http.js'
import { flowOf, GET, open } from '../../support/http1-play.js'
import { Http2Play, request } from '../../support/http2-play.js'
import { Playbook } from '../../support/playbook.js'

const OK = [':status', '200']

test('an addon can kill, and nothing is answered', (t) => {
  const play = open({
    hooks: {
      request(flow) {
        flow.kill()
      },
      error() {},
    },
  })
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['reset client'])
  t.deepEqual(play.hooks, ['request', 'error'])
  t.true(flowOf(play).killed)
})

test("kill('close') ends the connection in order, before an answer and in the middle of one", (t) => {
  const early = open({ hooks: { request: (flow) => flow.kill('close') } })
  early.data(early.client, GET)
  t.deepEqual(early.said(), ['close client'])
  t.like(flowOf(early), { killed: true, response: undefined, error: { message: 'killed' } })

  const flows: HttpFlow[] = []
  const late = open({ hooks: { requestheaders: (flow) => void flows.push(flow) } })
  late.data(late.client, GET).opened()
  late.data(late.servers[0] as never, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart').said()
  flows[0]?.kill('close')
  t.deepEqual(late.said(), ['close server', 'close client'])
  t.false(late.machine.busy)

  const connect = new Playbook('http-proxy', { hooks: { http_connect: (one) => one.kill('close') } })
  connect.data(connect.client, 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n')
  t.deepEqual(connect.said(), ['close client'])
})

test('kill resets that stream alone', (t) => {
  const play = new Http2Play({ hooks: { requestheaders: (flow) => void flows.push(flow) } })
  const flows: HttpFlow[] = []
  const server = play.asked(request())
  play.client.ask(request())
  play.pass()
  flows[0]?.kill()
  play.pass()
  t.deepEqual(server.heard().slice(2), ['1 reset CANCEL'])
  server.answer(3, OK, 'x')
  play.pass()
  t.deepEqual(play.client.heard(), ['1 reset CANCEL', '3 head :status 200', '3 data x', '3 end'])
})

test("kill('close') ends that stream without an error, and a response that has begun with one", (t) => {
  const play = new Http2Play({ hooks: { requestheaders: (flow) => void flows.push(flow) } })
  const flows: HttpFlow[] = []
  const server = play.asked(request())
  play.client.ask(request())
  play.pass()
  flows[0]?.kill('close')
  server.session.sendHead(server.stream(3), OK, false)
  server.send(3, 'part', false)
  play.pass()
  t.deepEqual(play.client.heard(), ['1 reset NO_ERROR', '3 head :status 200', '3 data part'])
  flows[1]?.kill('close')
  play.pass()
  t.deepEqual(play.client.heard(), ['3 reset CANCEL'])
  t.deepEqual(server.heard().slice(2), ['1 reset CANCEL', '3 reset CANCEL'], 'to the server both are given up')
})
