// Server replay: recorded responses answer equal requests, by what of them counts, in the place of a server that gets none.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type KeyOptions, replayKey } from '../../src/addons/server-replay-key.js'
import { refresh } from '../../src/addons/server-replay-refresh.js'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpRequest } from '../../src/flow/http.js'
import { type HttpFlow, HttpResponse } from '../../src/index.js'
import { inEveryWay } from '../support/addon-ways.js'
import { startProxy } from '../support/proxy.js'

const KEY: KeyOptions = {
  server_replay_use_headers: [],
  server_replay_ignore_content: false,
  server_replay_ignore_host: false,
  server_replay_ignore_port: false,
  server_replay_ignore_params: [],
  server_replay_ignore_payload_params: [],
}

interface Parts {
  method?: string
  scheme?: 'http' | 'https'
  path?: string
  host?: string
  port?: number
  headers?: Record<string, string>
  body?: string
}

function request({ headers = {}, body = 'b', host = 'a.test', ...more }: Parts): HttpRequest {
  const parts = { method: 'POST', scheme: 'http', path: '/p?a=1&b=2', port: 80, version: '1.1', ...more } as const
  const made = new HttpRequest({ ...parts, host, headers: HttpHeaders.from({ host, ...headers }) }, 1000, 0)
  made.content = body
  return made
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const MULTIPART = { 'content-type': 'multipart/form-data; boundary=x' }
const part = (name: string, value: string) =>
  `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

const DIFFERENCES: readonly (readonly [string, Parts, Parts, Partial<KeyOptions> | undefined])[] = [
  ['method', {}, { method: 'PUT' }, undefined],
  ['scheme', {}, { scheme: 'https' }, undefined],
  ['path', {}, { path: '/q?a=1&b=2' }, undefined],
  ['body', {}, { body: 'c' }, { server_replay_ignore_content: true }],
  ['host', {}, { host: 'b.test' }, { server_replay_ignore_host: true }],
  ['port', {}, { port: 81 }, { server_replay_ignore_port: true }],
  ['parameter', {}, { path: '/p?a=1&b=3' }, { server_replay_ignore_params: ['b'] }],
  ['missing parameter', {}, { path: '/p?a=1' }, { server_replay_ignore_params: ['b'] }],
  [
    'form',
    { headers: FORM, body: 'a=1&t=5' },
    { headers: FORM, body: 'a=1&t=6' },
    { server_replay_ignore_payload_params: ['t'] },
  ],
  [
    'multipart form',
    { headers: MULTIPART, body: `${part('a', '1')}${part('t', '5')}--x--` },
    { headers: MULTIPART, body: `${part('a', '1')}${part('t', '6')}--x--` },
    { server_replay_ignore_payload_params: ['t'] },
  ],
]

for (const [name, one, other, ignoring] of DIFFERENCES) {
  test(`a different ${name} is another request${ignoring ? ', unless it is ignored' : ''}`, (t) => {
    t.is(replayKey(request(one), KEY), replayKey(request(one), KEY))
    t.not(replayKey(request(one), KEY), replayKey(request(other), KEY))
    if (!ignoring) return
    const options = { ...KEY, ...ignoring }
    t.is(replayKey(request(one), options), replayKey(request(other), options))
  })
}

test('fields count where they are named', (t) => {
  const [one, other] = [request({ headers: { 'x-a': '1' } }), request({ headers: { 'x-a': '2' } })]
  t.is(replayKey(one, KEY), replayKey(other, KEY))
  const options = { ...KEY, server_replay_use_headers: ['X-A'] }
  t.not(replayKey(one, options), replayKey(other, options))
  t.not(replayKey(one, options), replayKey(request({}), options))
})

test('parts of a form that are not ignored count', (t) => {
  const options = { ...KEY, server_replay_ignore_payload_params: ['t'] }
  const form = (body: string) => replayKey(request({ headers: FORM, body }), options)
  t.not(form('a=1&t=5'), form('a=2&t=5'))
})

test('dates and those of cookies are moved, and what is no date stays', (t) => {
  const response = new HttpResponse({
    status: 200,
    headers: [
      ['Date', 'Wed, 01 Jan 2025 10:00:00 GMT'],
      ['expires', '0'],
      ['Last-Modified', 'Tue, 31 Dec 2024 23:59:59 GMT'],
      ['Set-Cookie', 'a=1; Path=/; Expires=Thu, 02 Jan 2025 10:00:00 GMT; Secure'],
      ['Set-Cookie', 'b=expires; expires=Thu, 02-Jan-2025 10:00:00 GMT'],
      ['Set-Cookie', 'c=3'],
    ],
  })
  refresh(response, 3_600_000)
  t.deepEqual(response.headers.raw, [
    ...['Date', 'Wed, 01 Jan 2025 11:00:00 GMT', 'expires', '0', 'Last-Modified', 'Wed, 01 Jan 2025 00:59:59 GMT'],
    ...['Set-Cookie', 'a=1; Path=/; Expires=Thu, 02 Jan 2025 11:00:00 GMT; Secure'],
    ...['Set-Cookie', 'b=expires; expires=Thu, 02 Jan 2025 11:00:00 GMT', 'Set-Cookie', 'c=3'],
  ])
})

inEveryWay('recorded flows answer once each, and the server gets nothing', {}, async (t, { ask, origin, running }) => {
  origin.reply = ({ path }) => ({ headers: { 'x-path': path }, body: `answer ${origin.got.length}` })
  const { commands } = running.proxy
  await ask('/a?x=1')
  await ask('/a?x=1')
  const flows = [await running.flow('http', 0), await running.flow('http', 1)]
  t.is(await commands.call('replay.server', flows), 2)
  t.is(`${(await ask('/a?x=1')).body}`, 'answer 1')
  const second = await ask('/a?x=1')
  t.is(`${second.body}`, 'answer 2')
  t.is(second.headers['x-path'], '/a?x=1')
  t.is(origin.got.length, 2)
  const flow = (await running.flow('http', 3)) as HttpFlow
  t.is(flow.replayed, 'response')
  t.is(await commands.call('replay.server.count'), 0)
  // No more are left: the server is asked again.
  t.is(`${(await ask('/a?x=1')).body}`, 'answer 3')
})

inEveryWay(
  'what has no recorded response goes on, is killed, or gets a status; reuse, and other parameters',
  { options: { server_replay_reuse: true, server_replay_ignore_params: ['t'] } },
  async (t, { ask, origin, running }) => {
    const { commands, options } = running.proxy
    await ask('/a?t=1', { method: 'POST', body: 'same' })
    await commands.call('replay.server.add', [await running.flow('http')])
    t.is(`${(await ask('/a?t=2', { method: 'POST', body: 'same' })).body}`, 'answer')
    t.is(`${(await ask('/a?t=3', { method: 'POST', body: 'same' })).body}`, 'answer')
    t.is(origin.got.length, 1)
    await ask('/b')
    t.is(origin.got.length, 2)
    options.set({ server_replay_extra: '404' })
    t.is((await ask('/b')).status, 404)
    options.set({ server_replay_extra: 'kill' })
    await t.throwsAsync(ask('/b', { method: 'POST', body: 'x' }))
    t.is(origin.got.length, 2)
    // What counts has changed: answers are found by the new keys.
    options.set({ server_replay_ignore_params: [], server_replay_extra: '500' })
    t.is((await ask('/a?t=2', { method: 'POST', body: 'same' })).status, 500)
    t.is((await ask('/a?t=1', { method: 'POST', body: 'same' })).status, 200)
    await commands.call('replay.server.stop')
    t.is((await ask('/a?t=1', { method: 'POST', body: 'same' })).status, 200)
    t.is(origin.got.length, 3)
  },
)

const HAR = (url: string, httpVersion: string) =>
  JSON.stringify({
    log: {
      version: '1.2',
      creator: { name: 'test', version: '1' },
      entries: [
        {
          startedDateTime: '2025-01-01T10:00:00.000Z',
          time: 1,
          request: {
            method: 'GET',
            url,
            httpVersion,
            headers: [{ name: 'Host', value: new URL(url).host }],
            queryString: [],
            cookies: [],
            headersSize: -1,
            bodySize: 0,
          },
          response: {
            status: 200,
            statusText: 'OK',
            httpVersion,
            headers: [{ name: 'Date', value: 'Wed, 01 Jan 2025 10:00:00 GMT' }],
            cookies: [],
            content: { size: 8, mimeType: 'text/plain', text: 'from har' },
            redirectURL: '',
            headersSize: -1,
            bodySize: 8,
          },
          cache: {},
          timings: { send: 0, wait: 1, receive: 0 },
        },
      ],
    },
  })

inEveryWay(
  'a file answers from the first request on, with dates of now',
  {},
  async (t, { ask, origin, running, http }) => {
    const folder = mkdtempSync(join(tmpdir(), 'midwire-replay-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'flows.har')
    writeFileSync(file, HAR(`${origin.url}/recorded`, http === 1 ? 'HTTP/1.1' : 'HTTP/2'))
    running.proxy.options.set({ server_replay: [file] })
    const answer = await ask('/recorded')
    t.is(`${answer.body}`, 'from har')
    t.true(Date.parse(answer.headers.date ?? '') > Date.parse('2026-01-01') - 1)
    t.is(origin.got.length, 0)
    // And client replay reads the same file.
    running.proxy.options.set({ server_replay: [] })
    t.is(await running.proxy.commands.call('replay.client.file', file), 1)
    t.is(origin.got[0]?.path, '/recorded')
  },
)

test('a file that cannot be read is refused at the start', async (t) => {
  for (const option of ['server_replay', 'client_replay']) {
    const start = startProxy(t, { options: { [option]: ['/nowhere/flows'] } })
    await t.throwsAsync(start, { code: 'ERR_OPTION', message: /\/nowhere\/flows cannot be read/ })
  }
})

test('a long request counts in whole, and its key is short', (t) => {
  const long = (end: string) =>
    replayKey(request({ body: 'x' }), { ...KEY, server_replay_use_headers: ['x'.repeat(5_000) + end] })
  t.not(long('a'), long('b'))
  t.true(long('a').length < 300)
})
