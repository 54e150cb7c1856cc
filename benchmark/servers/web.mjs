// midwire with its page, for page.mjs: a child process that records as many flows as it is told, and says then where its page and its proxy are.
import { randomUUID } from 'node:crypto'
import { HttpHeaders } from '../../dist/flow/headers.js'
import { HttpFlow, HttpRequest, HttpResponse } from '../../dist/flow/http.js'
import { Midwire } from '../../dist/index.js'
import { startWeb } from '../../dist/web/index.js'

const [confdir, flows] = [process.argv[2], Number(process.argv[3])]
const GiB = 1024 ** 3
const BODY_LIMIT = 1024

/** Flows for one turn of the event loop. */
const AT_ONCE = 2_000
const TYPES = ['application/json', 'text/html; charset=utf-8', 'image/png', 'text/css']
const METHODS = ['GET', 'GET', 'GET', 'POST', 'PUT']
const STATUSES = [200, 200, 200, 204, 304, 404, 500]

const client = {
  ...{ id: 'c', transport: 'tcp', mode: 'regular', explicit: true },
  remote: { address: '127.0.0.1', port: 50_000, family: 4 },
  local: { address: '127.0.0.1', port: 8080, family: 4 },
}

function made(at, now) {
  const host = `host-${at % 97}.example.com`
  const server = { ...client, id: 's', host, port: 443, tls: { sni: host, alpn: 'http/1.1' } }
  const request = new HttpRequest(
    {
      method: METHODS[at % METHODS.length],
      path: `/api/v1/items/${at}?page=${at % 50}`,
      ...{ scheme: 'https', host, port: 443, version: '1.1' },
      headers: new HttpHeaders(['Host', host, 'User-Agent', 'benchmark', 'Accept', '*/*']),
    },
    BODY_LIMIT,
    now,
  )
  const flow = new HttpFlow({ world: { newId: randomUUID, now: () => now, act() {} }, client, server, now }, request)
  const headers = new HttpHeaders(['Content-Type', TYPES[at % TYPES.length]])
  flow.response = new HttpResponse({ status: STATUSES[at % STATUSES.length], headers }, BODY_LIMIT, now)
  flow.response.body.append(Buffer.from('{"name":"Ada"}'))
  flow.endedAt = now + (at % 300)
  return flow
}

const options = { store_memory: 4 * GiB }
const proxy = await Midwire.start({ confdir, modes: ['regular@127.0.0.1:0'], options })
const web = await startWeb(proxy, { version: '0', host: '127.0.0.1', port: 0 })
for (let at = 0; at < flows; at += 1) {
  proxy.recordNew(made(at, Date.now()))
  if (at % AT_ONCE === 0) await new Promise((next) => setImmediate(next))
}
process.send({ entrance: web.entrance, url: web.url, token: web.token, port: proxy.listeners[0].port })
process.on('message', () => process.send({ ...proxy.recorded, rss: process.memoryUsage.rss() }))
process.on('disconnect', () => process.exit(0))
