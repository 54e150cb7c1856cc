// What others may try against the page and the API: each is refused, and the proxy goes on.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import test, { type ExecutionContext } from 'ava'
import { WebSocket } from 'ws'
import { clientOf } from '../support/tunnel-client.js'
import { answering, ask, startApi, through } from './support.js'

const statusOf = async (t: ExecutionContext, url: string, options: object): Promise<number | 'open'> => {
  const socket = new WebSocket(url, options)
  t.teardown(() => socket.terminate())
  return new Promise((resolve) => {
    socket.on('open', () => resolve('open'))
    socket.on('error', () => {})
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
  })
}

/** The cookie of somebody who has opened the page. */
async function cookieOf(port: number, token: string): Promise<string> {
  const { headers } = await ask(port, { path: `/?token=${token}` })
  return String(headers['set-cookie']?.[0]).split(';')[0] ?? ''
}

test('without a token, and with a wrong one, nothing is said', async (t) => {
  const { server, token } = await startApi(t)
  for (const path of ['/api/state', '/api/options', '/api/peers', '/api/openapi.json', '/api/nothing']) {
    t.is((await ask(server.port, { path })).status, 401, path)
  }
  const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
  t.is((await ask(server.port, { path: '/api/state', headers: { Authorization: `Bearer ${wrong}` } })).status, 401)
  t.is((await ask(server.port, { path: `/api/state?token=${wrong}` })).status, 401)
  t.is(
    (await ask(server.port, { path: '/api/state', headers: { Cookie: `midwire_${server.port}=${wrong}` } })).status,
    401,
  )
  t.is((await ask(server.port, { path: `/?token=${wrong}` })).status, 401)
  t.is((await ask(server.port, { path: '/' })).status, 401)
  const right = await ask(server.port, { path: '/api/state', headers: { Authorization: `Bearer ${token}` } })
  t.is(right.status, 200)
  t.is(right.headers['cache-control'], 'no-store')
})

test('the token becomes a cookie that scripts and other sites do not get, and leaves the address', async (t) => {
  const { server, token } = await startApi(t)
  const { status, headers } = await ask(server.port, { path: `/flows/1?tab=raw&token=${token}` })
  t.is(status, 303)
  t.is(headers.location, '/flows/1?tab=raw')
  const [cookie = ''] = headers['set-cookie'] ?? []
  t.regex(cookie, new RegExp(`^midwire_${server.port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`))
  t.false(cookie.includes(token))
  t.is((await ask(server.port, { path: '/api/state', headers: { Cookie: cookie.split(';')[0] ?? '' } })).status, 200)
  const elsewhere = await ask(server.port, { path: `//evil.test/?token=${token}` })
  t.is(elsewhere.headers.location, '/evil.test/')
})

test('another site is refused, whatever it sends', async (t) => {
  const { server, token, proxy } = await startApi(t)
  const Cookie = await cookieOf(server.port, token)
  const of = (headers: Record<string, string>, more = {}) => ask(server.port, { path: '/api/state', headers, ...more })
  t.is((await of({ Cookie, Origin: 'http://evil.test' })).status, 403)
  t.is((await of({ Cookie, Origin: 'null' })).status, 403)
  t.is((await of({ Cookie, Origin: `http://localhost:${server.port}` })).status, 403, 'another name is another site')
  t.is((await of({ Cookie, 'Sec-Fetch-Site': 'cross-site' })).status, 403)
  t.is((await of({ Cookie, 'Sec-Fetch-Site': 'same-site' })).status, 403)
  const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }
  t.is((await of({ Cookie, ...link })).status, 403, 'a link leads to the page, and not to the API')
  t.is((await of({ Authorization: `Bearer ${token}`, Origin: 'http://evil.test' })).status, 403)
  t.is((await of({ Cookie, Origin: server.url, 'Sec-Fetch-Site': 'same-origin' })).status, 200)
  const change = { method: 'DELETE', path: '/api/flows' }
  t.is((await of({ Cookie }, change)).status, 403, 'a browser says where a change comes from')
  t.is((await of({ Cookie, Origin: server.url }, change)).status, 204)
  const form = { method: 'PATCH', path: '/api/options', body: '{"ssl_insecure":false}' }
  t.is(
    (await of({ Cookie, Origin: server.url, 'Content-Type': 'text/plain' }, form)).status,
    415,
    'as a form may send it',
  )
  t.true(proxy.options.get('ssl_insecure'))
})

test('a name that was rebound to this machine is refused', async (t) => {
  const { server, token } = await startApi(t)
  const of = async (Host: string) =>
    (await ask(server.port, { path: '/api/state', headers: { Host, Authorization: `Bearer ${token}` } })).status
  for (const name of [
    'evil.test',
    `evil.test:${server.port}`,
    'localhost.evil.test',
    '127.0.0.1.evil.test',
    'localhost@evil.test',
  ]) {
    t.is(await of(name), 403, name)
  }
  for (const name of [`127.0.0.1:${server.port}`, 'localhost:9000', 'LOCALHOST', '[::1]:8081', '192.0.2.7']) {
    t.is(await of(name), 200, name)
  }
  const page = await ask(server.port, { path: `/?token=${token}`, headers: { Host: 'evil.test' } })
  t.is(page.status, 403)
  t.is(page.headers['set-cookie'], undefined)
})

test('a WebSocket of another site is refused, and so is one without a token', async (t) => {
  const { server, token } = await startApi(t)
  const Cookie = await cookieOf(server.port, token)
  const url = `ws://127.0.0.1:${server.port}/api/updates`
  t.is(await statusOf(t, url, {}), 401)
  t.is(await statusOf(t, url, { headers: { Cookie, Origin: 'http://evil.test' } }), 403)
  t.is(await statusOf(t, url, { headers: { Cookie } }), 403, 'a browser says where it comes from')
  t.is(await statusOf(t, url, { headers: { Cookie, Host: 'evil.test', Origin: 'http://evil.test' } }), 403)
  t.is(await statusOf(t, url, { headers: { Cookie, Origin: server.url } }), 'open')
  t.is(await statusOf(t, url, { headers: { Authorization: `Bearer ${token}` } }), 'open')
  t.is(await statusOf(t, `${url}?token=${token}`, {}), 'open')
  t.is(await statusOf(t, `${url}x?token=${token}`, {}), 404)
})

test('a recorded response that is a script or a page does not run', async (t) => {
  const api = await startApi(t)
  for (const type of [
    'text/html',
    'application/javascript',
    'image/svg+xml',
    'text/html; image/png',
    'application/pdf',
  ]) {
    const url = await answering(t, { headers: { 'Content-Type': type }, body: '<script>alert(1)</script>' })
    const { id } = await through(api, `${url}/evil.html`)
    const { headers, text } = await ask(api.server.port, {
      path: `/api/flows/${id}/response/content`,
      headers: { Authorization: `Bearer ${api.token}` },
    })
    t.is(text, '<script>alert(1)</script>')
    t.is(headers['content-type'], 'application/octet-stream', type)
    t.regex(headers['content-disposition'] ?? '', /^attachment; /)
    t.regex(String(headers['content-security-policy']), /^sandbox; default-src 'none'/)
    t.is(headers['x-content-type-options'], 'nosniff')
  }
  const picture = await answering(t, { headers: { 'Content-Type': 'image/png' }, body: 'no picture' })
  const { id } = await through(api, `${picture}/a.png`)
  const headers = { Authorization: `Bearer ${api.token}` }
  t.is(
    (await ask(api.server.port, { path: `/api/flows/${id}/response/content`, headers })).headers['content-type'],
    'image/png',
  )
})

test('the page and the API are not reached through the proxy', async (t) => {
  const { server, port, token } = await startApi(t)
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '127.1', '2130706433']) {
    const path = `http://${host}:${server.port}/api/state`
    const { status, text } = await ask(port, { path, headers: { Authorization: `Bearer ${token}` } })
    t.not(status, 200, host)
    t.notRegex(text, /confdir/)
  }
  // And the server is no proxy.
  const asProxy = await ask(server.port, {
    path: 'http://example.test/',
    headers: { Authorization: `Bearer ${token}` },
  })
  t.is(asProxy.status, 400)
})

/** No packet in a tunnel may carry a loopback address. */
const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((one) => one && one.family === 'IPv4' && !one.internal)?.address

const inTunnel = ownAddress === undefined ? test.skip : test

inTunnel('a device in the tunnel does not reach the page, and reaches what listens beside it', async (t) => {
  const { server, token, proxy } = await startApi(t, { modes: ['wireguard@127.0.0.1:0'] }, { host: '0.0.0.0' })
  const beside = createServer((_, response) => response.end('beside'))
  await once(beside.listen(0, '0.0.0.0'), 'listening')
  t.teardown(() => beside.close())
  const device = await clientOf(proxy.peers[0]?.config)
  t.teardown(() => device.close())
  const answerOf = async (port: number): Promise<string> => {
    const stream = device.connect({ host: ownAddress ?? '', port })
    stream.on('error', () => {})
    stream.write(
      `GET /api/state HTTP/1.1\r\nHost: ${ownAddress}:${port}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    )
    let text = ''
    stream.setEncoding('latin1').on('data', (piece: string) => {
      text += piece
    })
    await new Promise((resolve) => stream.once('close', resolve).once('end', () => stream.end()))
    return text
  }
  t.regex(await answerOf((beside.address() as AddressInfo).port), /beside$/)
  const answer = await answerOf(server.port)
  t.notRegex(answer, /^HTTP\/1\.1 200/)
  t.notRegex(answer, /confdir/)
})

test('10 MB of JSON are refused before they are read', async (t) => {
  const { server, token } = await startApi(t)
  const Authorization = `Bearer ${token}`
  const socket = connect(server.port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const head = `PATCH /api/options HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${Authorization}\r\nContent-Type: application/json\r\n`
  socket.write(`${head}Content-Length: ${10 << 20}\r\n\r\n{`)
  const [answer] = await once(socket, 'data')
  t.regex(String(answer), /^HTTP\/1\.1 413 .*connection: close/is)
  const chunked = connect(server.port, '127.0.0.1')
  t.teardown(() => chunked.destroy())
  chunked.on('error', () => {})
  chunked.write(`${head}Transfer-Encoding: chunked\r\n\r\n`)
  const piece = 'a'.repeat(64 << 10)
  let sent = 0
  const refused = once(chunked, 'data')
  const pump = () => {
    while (sent < 10 << 20 && !chunked.destroyed) {
      sent += piece.length
      if (!chunked.write(`${piece.length.toString(16)}\r\n${piece}\r\n`)) return
    }
  }
  chunked.on('drain', pump)
  pump()
  t.regex(String((await refused)[0]), /^HTTP\/1\.1 413 /)
  t.is((await ask(server.port, { path: '/api/usage', headers: { Authorization } })).status, 200)
})

test('1,000 clients: so many connections are served, updates are for 100, and the rest is told so', async (t) => {
  const { server, token, proxy } = await startApi(t)
  const url = `ws://127.0.0.1:${server.port}/api/updates?token=${token}`
  const states = await Promise.all(Array.from({ length: 150 }, () => statusOf(t, url, {})))
  t.is(states.filter((state) => state === 'open').length, 100)
  t.is(states.filter((state) => state === 503).length, 50)
  let closed = 0
  const enough = new Promise<void>((resolve) => {
    for (let count = 0; count < 1_000; count++) {
      const socket = connect(server.port, '127.0.0.1').on('error', () => {})
      t.teardown(() => socket.destroy())
      // Those beyond the bound are closed: 100 follow updates.
      socket.resume().on('close', () => ++closed === 100 && resolve())
    }
  })
  await enough
  t.is(closed, 100)
  t.is(proxy.recorded.flows, 0)
})
