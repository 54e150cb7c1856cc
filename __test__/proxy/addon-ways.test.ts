// What addons see and change is the same in every way into midwire, with HTTP/1 and HTTP/2.
import { once } from 'node:events'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2, createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import test from 'ava'
import { inEveryWay } from '../support/addon-ways.js'
import { certificate } from '../support/certificates.js'
import { bind, Talk } from '../support/talk.js'

const folder = mkdtempSync(join(tmpdir(), 'midwire-ways-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

inEveryWay(
  'an addon changes a request and its response',
  (origin) => ({
    addons: [
      {
        request(flow) {
          flow.request.headers.set('X-Seen', flow.request.url)
          flow.request.text = flow.request.text.toUpperCase()
        },
        response(flow) {
          if (flow.response) flow.response.text = `${flow.response.text} for ${origin.url}`
        },
      },
    ],
  }),
  async (t, { ask, origin, http, another }) => {
    const answer = await ask('/a?b=c', { method: 'POST', body: 'word', headers: { 'x-own': '1' } })
    t.is(answer.status, 200)
    t.is(`${answer.body}`, `answer for ${origin.url}`)
    const [got] = origin.got
    t.like(got, { method: 'POST', path: '/a?b=c', version: http === 1 ? '1.1' : '2.0' })
    t.is(`${got?.body}`, 'WORD')
    t.is(got?.headers['x-seen'], `${origin.url}/a?b=c`)
    t.is(got?.headers['x-own'], '1')
    const other = await another()
    other.reply = () => ({ status: 404, headers: { 'set-cookie': ['a=1', 'b=2'] } })
    const missing = await ask('/', { to: other })
    t.is(missing.status, 404)
    t.deepEqual(missing.headers['set-cookie'], ['a=1', 'b=2'])
    t.is(other.got.length, 1)
  },
)

inEveryWay(
  'a flow that is killed ends without an answer',
  { addons: [{ request: (flow) => flow.kill() }] },
  async (t, { ask, origin }) => {
    await t.throwsAsync(ask('/'))
    t.is(origin.got.length, 0)
  },
)

/** A script that says a word, and how many requests it has seen. */
const scriptOf = (word: string) => `
import type { HttpFlow } from 'midwire'
export const state = { seen: 0 }
export function request(flow: HttpFlow) { flow.request.headers.set('x-${word}', String(++state.seen)) }
export function response({ response }: HttpFlow) { if (response) response.text += ', ${word}' }
`

let scripts = 0

inEveryWay(
  'a script changes what passes, and goes on with its state when its file has changed',
  () => {
    scripts += 1
    const path = join(folder, `${scripts}.ts`)
    writeFileSync(path, scriptOf('one'))
    return { options: { scripts: [path] } }
  },
  async (t, { ask, origin, running }) => {
    t.is(`${(await ask('/')).body}`, 'answer, one')
    t.is(`${(await ask('/')).body}`, 'answer, one')
    const [path = ''] = running.proxy.options.snapshot.scripts
    writeFileSync(path, scriptOf('two'))
    // Some file systems know whole seconds alone.
    utimesSync(path, Date.now() / 1000 + 5, Date.now() / 1000 + 5)
    await running.logged(/\.ts has changed and was loaded anew/)
    t.is(`${(await ask('/')).body}`, 'answer, two')
    t.deepEqual(
      origin.got.map(({ headers }) => [headers['x-one'], headers['x-two']]),
      [
        ['1', undefined],
        ['2', undefined],
        [undefined, '3'],
      ],
    )
  },
)

for (const upstream_cert of [true, false]) {
  inEveryWay(
    `the server's certificate and its ALPN ${upstream_cert ? 'are copied' : 'are not copied with upstream_cert=false'}`,
    { options: { upstream_cert } },
    async (t, { connect, http, origin, running }) => {
      const made = certificate({ organization: 'Theirs', names: ['*.theirs.test', 'upstream.test'] })
      const identity = { cert: made.pem, key: made.keyPem }
      const server = http === 1 ? createServer(identity) : createSecureServer(identity)
      server.on('request', (_: unknown, response: { end(text: string): void }) => response.end('answer'))
      server.on('connection', (socket) => t.teardown(() => socket.destroy()))
      const port = await bind(t, server as Server, origin.host)
      const socket = connectTls({
        socket: await connect(port),
        ca: running.proxy.authority.pem,
        servername: 'upstream.test',
        ALPNProtocols: ['h2', 'http/1.1'],
      })
      await once(socket, 'secureConnect')
      t.is(socket.alpnProtocol, http === 1 && upstream_cert ? 'http/1.1' : 'h2')
      const { subject, subjectaltname = '' } = socket.getPeerCertificate()
      t.is(subject.O, upstream_cert ? 'Theirs' : undefined)
      t.is(subjectaltname.includes('DNS:*.theirs.test'), upstream_cert)
      t.true(subjectaltname.includes('DNS:upstream.test'))
      if (socket.alpnProtocol === 'http/1.1') {
        const talk = new Talk(socket)
        talk.says('GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
        t.regex(await talk.hears('answer'), /^HTTP\/1\.1 200 /)
      } else {
        const session = connectHttp2('https://upstream.test', { createConnection: () => socket })
        session.on('error', () => {})
        const [head] = await once(session.request({ ':path': '/' }).end(), 'response')
        t.is(head[':status'], 200)
        session.destroy()
      }
      socket.destroy()
    },
  )
}
