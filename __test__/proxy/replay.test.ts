// Client replay against real servers: what a server gets again is what it has got, byte for byte, and new flows tell of it.
import { once } from 'node:events'
import { connect as connectHttp2, createSecureServer } from 'node:http2'
import test, { type ExecutionContext } from 'ava'
import type { HttpFlow } from '../../src/index.js'
import { revive, snapshot } from '../../src/index.js'
import { inEveryWay } from '../support/addon-ways.js'
import { certificate } from '../support/certificates.js'
import { get, ok, type Running, startProxy, tlsTunnel, tunnel } from '../support/proxy.js'
import { bind, dial, freePort, listen, type Talk } from '../support/talk.js'

const OK = ok('hello')

/** The requests that a server of HTTP/1 may get, each by its end. */
const REQUESTS: readonly (readonly [name: string, head: readonly string[], body: string, end: string])[] = [
  [
    'the order and case of fields',
    ['GET /a?b=%20c HTTP/1.1', 'hOST: x.test', 'X-b: 1', 'x-A:  2', 'X-b: 3'],
    '',
    '\r\n\r\n',
  ],
  [
    'a length',
    ['POST /a HTTP/1.1', 'Host: x.test', 'content-length: 5', 'X-Last: 1'],
    'a\0\xff\r\n',
    '\r\n\r\na\0\xff\r\n',
  ],
  ['no body', ['POST / HTTP/1.1', 'Host: x.test', 'Content-Length: 0'], '', '\r\n\r\n'],
  [
    'chunks and trailers',
    ['PUT /a HTTP/1.1', 'Host: x.test', 'Trailer: X-Sum', 'TRANSFER-ENCODING: chunked'],
    '5\r\nhello\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n',
    'x-sum: 2\r\n\r\n',
  ],
  ['HTTP/1.0', ['GET / HTTP/1.0', 'Connection: close', 'X-a: 1'], '', '\r\n\r\n'],
]

for (const [name, head, body, end] of REQUESTS) {
  for (const hooks of [{}, { request() {} }]) {
    test(`HTTP/1, ${name}: the bytes are the same${'request' in hooks ? ', also where the body is held' : ''}`, async (t) => {
      const heard: string[] = []
      const server = await listen(t, async (talk) => {
        heard.push(await talk.hears(Buffer.from(end, 'latin1')))
        talk.says(OK)
      })
      const running = await startProxy(t, { addons: [hooks] })
      const client = await tunnel(t, running, server.port)
      client.says(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1'))
      await client.hears('hello')
      const flow = await running.flow('http')
      // A connection that lies idle would be taken.
      client.socket.destroy()
      server.talks[0]?.socket.destroy()
      const again = await running.proxy.replay(flow)
      t.is(again.error, undefined)
      t.is(again.response?.text, 'hello')
      t.is(heard.length, 2)
      t.is(heard[1], heard[0])
      t.true(heard[0]?.startsWith(`${head.join('\r\n')}\r\n\r\n`.replace('x-A:  2', 'x-A: 2')))
    })
  }
}

interface Heard {
  fields: string[]
  body: string
  trailers: string[]
}

/** A server of HTTP/2 that keeps the list of fields as it came. */
async function http2Server(t: ExecutionContext, heard: Heard[]): Promise<number> {
  const made = certificate({ names: ['upstream.test'] })
  const server = createSecureServer({ cert: made.pem, key: made.keyPem })
  server.on('stream', (async (
    stream: NodeJS.ReadWriteStream & { respond(fields: object): void },
    _: unknown,
    __: number,
    fields: string[],
  ) => {
    const one: Heard = { fields, body: '', trailers: [] }
    stream.on('trailers', (_of: unknown, ___: number, raw: string[]) => {
      one.trailers = raw
    })
    for await (const chunk of stream) one.body += (chunk as Buffer).toString('latin1')
    heard.push(one)
    stream.respond({ ':status': 200 })
    stream.end('hello')
  }) as never)
  server.on('connection', (socket) => t.teardown(() => socket.destroy()))
  return bind(t, server as never)
}

async function askHttp2(t: ExecutionContext, running: Running, port: number, body?: string): Promise<void> {
  const { socket } = await tlsTunnel(t, running, port, { ALPNProtocols: ['h2'] })
  socket.removeAllListeners('data')
  const session = connectHttp2('https://upstream.test', { createConnection: () => socket })
  t.teardown(() => session.destroy())
  const fields = {
    ':path': '/a?b',
    ':authority': 'upstream.test',
    ':method': body === undefined ? 'GET' : 'POST',
    ':scheme': 'https',
  }
  const more = { 'x-b': ['1', '3'], 'x-a': '2', cookie: ['a=1', 'b=2'] }
  const stream = session.request(
    { ...fields, ...more },
    { endStream: body === undefined, waitForTrailers: body !== undefined },
  )
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }))
  if (body !== undefined) stream.end(body)
  stream.resume()
  await once(stream, 'end')
  session.close()
}

for (const body of [undefined, 'a body']) {
  test(`HTTP/2, ${body ?? 'no body'}: the list of fields, their order, the body and the trailers are the same`, async (t) => {
    const heard: Heard[] = []
    const port = await http2Server(t, heard)
    const running = await startProxy(t)
    await askHttp2(t, running, port, body)
    const flow = await running.flow('http')
    t.is(flow.request.version, '2.0')
    const again = await running.proxy.replay(flow)
    t.is(again.error, undefined)
    t.is(again.response?.text, 'hello')
    t.is(again.server?.tls?.sni, 'upstream.test')
    t.is(heard.length, 2)
    t.deepEqual(heard[1], heard[0])
    t.is(heard[0]?.body, body ?? '')
    t.is(heard[0]?.trailers.length, body === undefined ? 0 : 2)
  })
}

inEveryWay(
  'a request is sent again, as it is or changed, and is a flow of its own',
  {},
  async (t, { ask, origin, running, http }) => {
    await ask('/first', { method: 'POST', body: 'one', headers: { 'x-own': '1' } })
    const flow = (await running.flow('http')) as HttpFlow
    const again = await running.proxy.replay(flow)
    t.not(again.id, flow.id)
    t.is(again.replayed, 'request')
    t.is(flow.replayed, undefined)
    t.is(again.client.remote.address, flow.client.remote.address)
    t.is(again.client.mode, flow.client.mode)
    t.is(again.request.url, flow.request.url)
    t.is(again.response?.text, 'answer')
    const [first, second] = origin.got
    t.deepEqual(second, first)
    t.is(second?.version, http === 1 ? '1.1' : '2.0')
    // From a record, with a path and a body that were changed.
    const copy = revive(snapshot(flow)) as HttpFlow
    copy.request.path = '/changed'
    copy.request.text = 'another body'
    await running.proxy.replay(copy)
    t.like(origin.got[2], { method: 'POST', path: '/changed' })
    t.is(`${origin.got[2]?.body}`, 'another body')
    t.is(origin.got[2]?.headers['content-length'] ?? '12', '12')
    t.is(running.flows.length, 3)
  },
)

/** A flow of a GET for a path. */
async function asked(t: ExecutionContext, running: Running, port: number, path = '/'): Promise<HttpFlow> {
  const client = await dial(t, running.port)
  const before = running.flows.length
  client.says(get(port, path))
  await client.hears('hello')
  client.socket.destroy()
  return (await running.flow('http', before)) as HttpFlow
}

/** A server that answers one request after the other, with the paths that it was asked for. */
async function pathServer(t: ExecutionContext) {
  const paths: string[] = []
  const serve = async (talk: Talk) => {
    for (;;) {
      const head = await talk.hears('\r\n\r\n').catch(() => undefined)
      if (head === undefined) return
      paths.push(/ (\S+)/.exec(head)?.[1] ?? '')
      talk.says(OK)
    }
  }
  return { paths, port: (await listen(t, (talk) => void serve(talk))).port }
}

test('hooks run and may change and answer; those of client connections do not run', async (t) => {
  const { paths, port } = await pathServer(t)
  const ran: string[] = []
  const clients = new Set<string>()
  let replaying = false
  const note = (name: string) => () => void (replaying && ran.push(name))
  const running = await startProxy(t, {
    addons: [
      {
        client_connected: ({ id }) => void clients.add(id),
        client_disconnected: ({ id }) => void clients.add(id),
        ...{ requestheaders: note('requestheaders'), responseheaders: note('responseheaders') },
        ...{ response: note('response'), error: note('error') },
        request(flow) {
          if (!replaying) return
          ran.push('request')
          flow.request.path = `${flow.request.path}again`
        },
      },
    ],
  })
  const flow = await asked(t, running, port)
  replaying = true
  const again = await running.proxy.replay(flow)
  t.deepEqual([...clients], [flow.client.id])
  t.not(again.client.id, flow.client.id)
  t.deepEqual(ran, ['requestheaders', 'request', 'responseheaders', 'response'])
  t.deepEqual(paths, ['/', '/again'])
})

test('several are sent in their order, and one that fails does not stop the rest', async (t) => {
  const { paths, port } = await pathServer(t)
  const running = await startProxy(t)
  const flows = [await asked(t, running, port, '/1'), await asked(t, running, port, '/2')]
  const lost = revive(snapshot(flows[0] as HttpFlow)) as HttpFlow
  lost.request.port = await freePort()
  const again = await running.proxy.replay([flows[0] as HttpFlow, lost, flows[1] as HttpFlow])
  t.deepEqual(paths, ['/1', '/2', '/1', '/2'])
  t.deepEqual(
    again.map(({ error }) => error !== undefined),
    [false, true, false],
  )
  t.regex(again[1]?.error?.message ?? '', /refused/)
})

test('one is under way at a time, or all are', async (t) => {
  for (const concurrency of [1, -1]) {
    const begun: Talk[] = []
    let answering = true
    const server = await listen(t, async (talk) => {
      for (;;) {
        if ((await talk.hears('\r\n\r\n').catch(() => undefined)) === undefined) return
        if (answering) talk.says(OK)
        else begun.push(talk)
        look()
      }
    })
    let look = () => {}
    const running = await startProxy(t, { options: { client_replay_concurrency: concurrency } })
    const flow = await asked(t, running, server.port)
    answering = false
    const all = new Promise<void>((resolve) => {
      look = () => {
        if (begun.length < (concurrency === 1 ? 1 : 3)) return
        if (concurrency === 1) t.is(begun.length, 1)
        for (const talk of begun.splice(0)) talk.says(OK)
        if (running.flows.length >= 2) resolve()
      }
    })
    const again = running.proxy.replay([flow, flow, flow])
    t.is(await running.proxy.commands.call('replay.client.count'), 3)
    void all
    t.is((await again).length, 3)
    t.is(await running.proxy.commands.call('replay.client.count'), 0)
  }
})

test('what cannot be replayed is refused with a sentence', async (t) => {
  const { port } = await pathServer(t)
  const running = await startProxy(t, { options: { body_record_limit: '2' } })
  const flow = await asked(t, running, port)
  const refused = (change: (copy: HttpFlow) => void, sign: RegExp) => {
    const copy = revive(snapshot(flow)) as HttpFlow
    change(copy)
    return t.throwsAsync(running.proxy.replay([flow, copy]), { code: 'ERR_REPLAY', message: sign })
  }
  await refused((copy) => (copy.request.method = 'CONNECT'), /a CONNECT cannot/)
  await refused((copy) => (copy.upgrade = 'websocket'), /a WebSocket cannot/)
  await refused((copy) => copy.request.body.store({ size: 2, bytes: () => Buffer.from('ab') }, 9), /2 of 9 bytes/)
  const raw = { ...snapshot(flow), type: 'tcp', messages: [], bytesFromClient: 0, bytesFromServer: 0, truncated: false }
  await t.throwsAsync(running.proxy.replay(raw as never), { code: 'ERR_REPLAY', message: /this flow is TCP/ })
  // None of them was sent.
  t.is(running.flows.length, 1)
})

test('a body that is gone from the store since fails that flow alone', async (t) => {
  const { port } = await pathServer(t)
  const running = await startProxy(t)
  const flow = await asked(t, running, port)
  const copy = revive(snapshot(flow)) as HttpFlow
  copy.request.body.store({ size: 4, bytes: () => Buffer.alloc(0) }, 4)
  const [lost, fine] = await running.proxy.replay([copy, flow])
  t.regex(lost?.error?.message ?? '', /the recorded body is gone/)
  t.is(fine?.error, undefined)
})

test('those that wait are forgotten by replay.client.stop, and when the proxy is closed', async (t) => {
  let answering = true
  const server = await listen(t, async (talk) => {
    for (;;) {
      if ((await talk.hears('\r\n\r\n').catch(() => undefined)) === undefined) return
      if (answering) talk.says(OK)
      else heard()
    }
  })
  let heard = () => {}
  const running = await startProxy(t)
  const flow = await asked(t, running, server.port)
  answering = false
  const came = new Promise<void>((resolve) => {
    heard = resolve
  })
  const [first, second, third] = [flow, flow, flow].map((one) => running.proxy.replay(one))
  await came
  await running.proxy.commands.call('replay.client.stop')
  await t.throwsAsync(second as Promise<unknown>, { code: 'ERR_REPLAY', message: /stopped/ })
  await t.throwsAsync(third as Promise<unknown>, { code: 'ERR_REPLAY' })
  await running.proxy.close()
  t.is((await first)?.error?.message, 'midwire was closed')
  await t.throwsAsync(running.proxy.replay(flow), { code: 'ERR_REPLAY', message: /midwire was closed/ })
})

test('a replay leaves by the proxy of its mode', async (t) => {
  const { port } = await pathServer(t)
  const heard: string[] = []
  const proxy = await listen(t, async (talk) => {
    heard.push(await talk.hears('\r\n\r\n'))
    talk.says(OK)
  })
  const direct = await startProxy(t)
  const flow = await asked(t, direct, port, '/by')
  const running = await startProxy(t, { modes: [`upstream:http://127.0.0.1:${proxy.port}@0`] })
  t.is((await running.proxy.replay(snapshot(flow))).response?.text, 'hello')
  t.true(heard[0]?.startsWith(`GET http://127.0.0.1:${port}/by HTTP/1.1\r\n`))
})

test('the command takes flows that run, as a hook has them', async (t) => {
  const { paths, port } = await pathServer(t)
  const running = await startProxy(t)
  running.proxy.on('response', async (flow) => {
    if (flow.replayed) return
    t.is(await running.proxy.commands.call('replay.client', [flow]), 1)
  })
  await asked(t, running, port, '/x')
  await running.flow('http', 1)
  t.deepEqual(paths, ['/x', '/x'])
})
