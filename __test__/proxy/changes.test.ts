// What an addon may do to a flow: change it, send it elsewhere, answer it, end it, or not look at it.
import test from 'ava'
import { type Flow, type HttpFlow, HttpResponse } from '../../src/index.js'
import { noting } from '../support/noting.js'
import { get, ok, startProxy, tlsServer, tlsTunnel, tunnel } from '../support/proxy.js'
import { dial, listen } from '../support/talk.js'

const POST = (target: string) => `POST ${target} HTTP/1.1\r\nHost: upstream.test\r\nContent-Length: 4\r\n\r\nbody`

test('an addon changes a request and its response: line, fields and body', async (t) => {
  const running = await startProxy(t, {
    addons: [
      {
        request({ request }) {
          request.method = 'PUT'
          request.path = '/changed'
          request.headers.set('X-Added', 'yes')
          request.headers.delete('x-secret')
          request.text = 'longer than it was'
        },
        response(flow) {
          if (!flow.response) return
          flow.response.status = 201
          flow.response.reason = 'Made'
          flow.response.headers.append('X-Seen', flow.request.method)
          flow.response.text = `<${flow.response.text}>`
        },
      },
    ],
  })
  const upstream = await listen(t)
  const client = await dial(t, running.port)
  client.says(POST(`http://127.0.0.1:${upstream.port}/`).replace('Host', 'X-Secret: 1\r\nHost'))
  const server = await upstream.talk(0)
  t.is(
    await server.hears('it was'),
    `PUT /changed HTTP/1.1\r\nHost: 127.0.0.1:${upstream.port}\r\nContent-Length: 18\r\nX-Added: yes\r\n\r\nlonger than it was`,
  )
  server.says(ok('answer'))
  t.is(await client.hears('>'), 'HTTP/1.1 201 Made\r\nContent-Length: 8\r\nX-Seen: PUT\r\n\r\n<answer>')
})

test('an addon sends a request elsewhere', async (t) => {
  const upstream = await listen(t)
  const running = await startProxy(t, {
    addons: [
      {
        request({ request }) {
          request.url = `http://127.0.0.1:${upstream.port}/there?q`
        },
      },
    ],
  })
  const client = await dial(t, running.port)
  client.says('GET http://nowhere.invalid/here HTTP/1.1\r\nHost: nowhere.invalid\r\n\r\n')
  const server = await upstream.talk(0)
  t.regex(
    await server.hears('\r\n\r\n'),
    new RegExp(`^GET /there\\?q HTTP/1\\.1\r\nHost: 127\\.0\\.0\\.1:${upstream.port}\r`),
  )
  server.says(ok('redirected'))
  await client.hears('redirected')
})

for (const hook of ['requestheaders', 'request'] as const) {
  test(`an addon answers at ${hook}, and no server is asked`, async (t) => {
    const { addon, noted } = noting()
    const running = await startProxy(t, {
      addons: [
        addon,
        {
          [hook](flow: HttpFlow) {
            flow.response = new HttpResponse({ status: 418, headers: { 'X-By': 'addon' }, content: 'short and stout' })
          },
        },
      ],
    })
    const client = await dial(t, running.port)
    client.says(get(1, '/tea'))
    t.is(
      await client.hears('stout'),
      "HTTP/1.1 418 I'm a teapot\r\nX-By: addon\r\nContent-Length: 15\r\n\r\nshort and stout",
    )
    client.says(get(1, '/more'))
    await client.hears('stout')
    t.is(noted.filter((one) => one.startsWith('response ')).length, 2)
    t.false(noted.some((one) => /^(server|responseheaders|error)/.test(one)))
    t.is(running.flows[0]?.server, undefined)
  })
}

for (const hook of ['requestheaders', 'request', 'responseheaders', 'response'] as const) {
  // The hook in which it is killed is the last one where that is `response`: there is one of both.
  const last = hook === 'response' ? 'response' : 'error'
  test(`a flow that is killed at ${hook}: the client hears nothing of it, and ${last} is its last hook`, async (t) => {
    const { addon, noted, seen } = noting()
    const running = await startProxy(t, { addons: [{ [hook]: (flow: Flow) => flow.kill() }, addon] })
    const upstream = await listen(t, (talk) => void talk.hears('\r\n\r\n').then(() => talk.says(ok('answer'))))
    const client = await dial(t, running.port)
    client.says(get(upstream.port))
    t.is((await client.gone())?.code, 'ECONNRESET')
    t.is(client.rest.length, 0)
    await seen('client_disconnected')
    t.deepEqual(
      noted.filter((one) => /^(error|response) /.test(one)).map((one) => one.split(' ')[0]),
      [last],
    )
    t.is(upstream.talks.length, hook.startsWith('request') ? 0 : 1)
    t.is(
      noted.some((one) => one.startsWith('request ')),
      hook !== 'requestheaders',
    )
    t.true(running.flows[0]?.killed)
  })
}

test('raw messages are changed, swallowed, and their flow is killed', async (t) => {
  const running = await startProxy(t, {
    addons: [
      {
        tcp_message(flow) {
          if (!flow.last) return
          if (`${flow.last.content}` === 'secret') flow.last.content = Buffer.alloc(0)
          else if (`${flow.last.content}` === 'die') flow.kill()
          else flow.last.content = Buffer.from(`<${flow.last.content}>`)
        },
      },
    ],
  })
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, '\0')
  const server = await upstream.talk(0)
  await server.hears('<\0>')
  server.says('secret')
  client.says('two')
  t.is(await server.hears('>'), '<two>')
  server.says('die')
  t.is((await client.gone())?.code, 'ECONNRESET')
  t.is((await server.gone())?.code, 'ECONNRESET')
  t.is(client.rest.length, 0)
  t.true((await running.flow('tcp')).killed)
})

test('server_connect can refuse a server, and http_connect a CONNECT', async (t) => {
  const upstream = await listen(t)
  const running = await startProxy(t, {
    addons: [
      {
        server_connect({ server }) {
          if (server.port === upstream.port) server.error = 'not there'
        },
        http_connect(flow) {
          if (flow.request.host === 'no.test') flow.response = new HttpResponse({ status: 403, content: 'not that' })
        },
      },
    ],
  })
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  t.regex(await client.hears('not there'), /^HTTP\/1\.1 502 /)
  const other = await dial(t, running.port)
  other.says('CONNECT no.test:443 HTTP/1.1\r\nHost: no.test\r\n\r\n')
  t.regex(await other.hearsAll(), /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*not that$/)
  t.is(upstream.talks.length, 0)
})

test('tls_clienthello can let a connection pass as it is', async (t) => {
  const running = await startProxy(t, {
    addons: [
      {
        tls_clienthello(hello) {
          hello.ignore = true
        },
      },
    ],
  })
  const client = await tlsTunnel(t, running, await tlsServer(t), { rejectUnauthorized: false })
  t.is(client.socket.getPeerX509Certificate()?.subjectAltName, 'DNS:upstream.test')
  t.not(client.socket.getPeerX509Certificate()?.issuer, running.proxy.authority.certificate.subject)
  client.says('GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
  await client.hears('answer')
  client.socket.end()
  t.deepEqual(running.flows, [])
})
