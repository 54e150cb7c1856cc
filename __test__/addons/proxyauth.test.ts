// Who may use the proxy by `proxyauth`: each form of its value, each kind of entrance, and what the server and the user see of it.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { hashSync } from 'bcryptjs'
import { proxyauth } from '../../src/addons/proxyauth.js'
import type { ClientConnection } from '../../src/connection.js'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest } from '../../src/flow/http.js'
import type { Addon, Socks5AuthHook } from '../../src/hooks.js'
import { surroundings } from '../support/surroundings.js'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

function clientOf(addon: Addon | undefined, explicit = true): ClientConnection {
  const end = { address: '127.0.0.1', port: 1, family: 4 } as const
  const client: ClientConnection = { id: 'c', transport: 'tcp', remote: end, local: end, mode: 'regular', explicit }
  void addon?.client_connected?.(client)
  return client
}

function flowOf(client: ClientConnection, fields: Record<string, string>, method = 'GET'): HttpFlow {
  const headers = HttpHeaders.from({ Host: 'example.org', ...fields })
  const parts = { method, path: '/', scheme: 'http', host: 'example.org', port: 80, version: '1.1', headers } as const
  const world = { newId: () => 'id', now: () => 0, act() {} }
  return new HttpFlow({ world, client, server: undefined, now: 0 }, new HttpRequest(parts, 0, 0))
}

/** An addon for a value, with its log. */
function make(value: string) {
  const log: string[] = []
  const write = (level: string, message: string) => log.push(`${level}: ${message}`)
  const addon = proxyauth(value, { ...surroundings, log: write })
  return { addon, log }
}

/** What a request with that Proxy-Authorization gets: the user, or the status. */
async function ask(addon: Addon, field: string | undefined, client = clientOf(addon)) {
  const flow = flowOf(client, field === undefined ? {} : { 'Proxy-Authorization': field })
  await addon.requestheaders?.(flow)
  return flow.response?.status ?? flow.metadata.proxyauth
}

function fileOf(t: ExecutionContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-proxyauth-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'users')
  writeFileSync(path, text)
  return path
}

test('one user and one password', async (t) => {
  const { addon } = make('user:pass:word')
  t.deepEqual(await ask(addon, basic('user:pass:word')), ['user', 'pass:word'])
  t.deepEqual(await ask(addon, basic('user:pass:word').replace('Basic', 'bAsIc ')), ['user', 'pass:word'])
  for (const field of [
    undefined,
    '',
    'Basic',
    'Basic ',
    'Basic !',
    basic('user:pass'),
    basic('user'),
    basic('User:pass:word'),
    basic('use:rpass:word'),
    basic(':'),
    basic('user:pass:word').replace('Basic', 'Bearer'),
    `${basic('user:pass:word')}, ${basic('user:pass:word')}`,
  ]) {
    t.is(await ask(addon, field), 407, field)
  }
})

test('names and passwords are UTF-8; empty ones are possible', async (t) => {
  t.deepEqual(await ask(make('zoë:žluť').addon, basic('zoë:žluť')), ['zoë', 'žluť'])
  t.deepEqual(await ask(make('user:').addon, basic('user:')), ['user', ''])
})

test('any: every user with any password, but a user', async (t) => {
  const { addon } = make('any')
  t.deepEqual(await ask(addon, basic('a:b')), ['a', 'b'])
  t.is(await ask(addon, basic('a')), 407)
  t.is(await ask(addon, undefined), 407)
})

test('a value that is none of these is refused, and is not shown', (t) => {
  for (const value of ['secret', '@', 'ALL']) {
    const message = 'proxyauth is `user:password`, `any`, or `@path` of a file of htpasswd'
    t.throws(() => make(value), { code: 'ERR_OPTION', message })
  }
  t.throws(() => make('ldap:localhost:cn=admin:password:dc=example'), {
    code: 'ERR_OPTION',
    message: /LDAP is left out/,
  })
  t.throws(() => make('ldaps:localhost'), { message: /LDAP is left out/ })
})

test('an explicit proxy refuses with 407, and other modes with 401', (t) => {
  const { addon } = make('user:pass')
  const refused = flowOf(clientOf(addon), { Authorization: basic('user:pass') })
  void addon.requestheaders?.(refused)
  t.is(refused.response?.status, 407)
  t.is(refused.response?.headers.get('proxy-authenticate'), 'Basic realm="midwire"')
  t.is(refused.request.headers.get('authorization'), basic('user:pass'), "it is the server's")
  const other = clientOf(addon, false)
  const asked = flowOf(other, { 'Proxy-Authorization': basic('user:pass') })
  void addon.requestheaders?.(asked)
  t.is(asked.response?.status, 401)
  t.is(asked.response?.headers.get('www-authenticate'), 'Basic realm="midwire"')
  const passed = flowOf(other, { Authorization: basic('user:pass') })
  void addon.requestheaders?.(passed)
  t.is(passed.response, undefined)
  t.deepEqual(passed.metadata.proxyauth, ['user', 'pass'])
  t.false(passed.request.headers.has('authorization'))
})

test('the response to HEAD has no content, and a CONNECT is told that the connection ends', (t) => {
  const { addon } = make('user:pass')
  const head = flowOf(clientOf(addon), {}, 'HEAD')
  void addon.requestheaders?.(head)
  t.is(head.response?.content.length, 0)
  const connect = flowOf(clientOf(addon), {}, 'CONNECT')
  void addon.http_connect?.(connect)
  t.is(connect.response?.status, 407)
  t.is(connect.response?.headers.get('connection'), 'close')
})

test('a CONNECT that has passed covers its connection, also when the option changes; one that has not does not', async (t) => {
  const { addon } = make('user:pass')
  const client = clientOf(addon)
  void addon.http_connect?.(flowOf(client, { 'Proxy-Authorization': basic('user:wrong') }, 'CONNECT'))
  t.is(await ask(addon, undefined, client), 407)
  const connect = flowOf(client, { 'Proxy-Authorization': basic('user:pass') }, 'CONNECT')
  void addon.http_connect?.(connect)
  t.is(connect.response, undefined)
  t.deepEqual(connect.metadata.proxyauth, ['user', 'pass'])
  t.deepEqual(await ask(addon, undefined, client), ['user', 'pass'])
  const { addon: next } = make('other:pass')
  t.deepEqual(await ask(next, undefined, client), ['user', 'pass'])
  t.is(await ask(next, basic('user:pass'), clientOf(next)), 407)
})

test('a request that has passed does not cover the next one', async (t) => {
  const { addon } = make('user:pass')
  const client = clientOf(addon)
  t.deepEqual(await ask(addon, basic('user:pass'), client), ['user', 'pass'])
  t.is(await ask(addon, undefined, client), 407)
})

test('a connection that began before the option had a value is asked for nothing', async (t) => {
  const { addon } = make('user:pass')
  const client = clientOf(undefined)
  t.is(await ask(addon, undefined, client), undefined)
  const connect = flowOf(client, {}, 'CONNECT')
  void addon.http_connect?.(connect)
  t.is(connect.response, undefined)
})

test('SOCKS5 asks by its own hook, and is covered after that', async (t) => {
  const { addon } = make('user:pass')
  const socks = async (password: string) => {
    const asked: Socks5AuthHook = { client: clientOf(addon), username: 'user', password, valid: false }
    await addon.socks5_auth?.(asked)
    return [asked.valid, await ask(addon, undefined, asked.client)]
  }
  t.deepEqual(await socks('pass'), [true, ['user', 'pass']])
  t.deepEqual(await socks('wrong'), [false, 407])
})

test('a file: bcrypt is verified once for each right password, and its hook answers at once from then on', async (t) => {
  const { addon } = make(`@${fileOf(t, `b:${hashSync('pass', 4)}\ns:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n`)}`)
  t.deepEqual(await ask(addon, basic('s:password')), ['s', 'password'])
  t.is(await ask(addon, basic('s:pass')), 407)
  t.is(await ask(addon, basic('b:wrong')), 407)
  t.is(await ask(addon, basic('nobody:pass')), 407)
  const client = clientOf(addon)
  const first = flowOf(client, { 'Proxy-Authorization': basic('b:pass') })
  const waited = addon.requestheaders?.(first)
  t.truthy(waited)
  await waited
  t.is(first.response, undefined)
  const second = flowOf(client, { 'Proxy-Authorization': basic('b:pass') })
  t.is(addon.requestheaders?.(second), undefined)
  t.deepEqual(second.metadata.proxyauth, ['b', 'pass'])
})

test('many at once: the same credentials are verified once, and not too many others wait', async (t) => {
  const { addon } = make(`@${fileOf(t, `b:${hashSync('pass', 4)}\n`)}`)
  const client = clientOf(addon)
  const same = await Promise.all(Array.from({ length: 200 }, () => ask(addon, basic('b:pass'), client)))
  t.true(same.every((one) => Array.isArray(one)))
  const others = await Promise.allSettled(
    Array.from({ length: 101 }, (_, index) => ask(addon, basic(`b:${index}`), client)),
  )
  t.deepEqual(
    others.filter(({ status }) => status === 'rejected').map((one) => String((one as PromiseRejectedResult).reason)),
    ['Error: too many passwords wait to be verified'],
  )
  t.is(await ask(addon, basic('b:wrong'), client), 407, 'the queue is empty again')
})

test.serial('a file that changes: passwords that were remembered count no more; a wrong file is told of', async (t) => {
  const path = fileOf(t, `b:${hashSync('old', 4)}\n`)
  const { addon, log } = make(`@${path}`)
  t.deepEqual(await ask(addon, basic('b:old')), ['b', 'old'])
  const now = Date.now
  t.teardown(() => {
    Date.now = now
  })
  writeFileSync(path, `b:${hashSync('new', 4)}\n`)
  utimesSync(path, 1, 1)
  Date.now = () => now() + 2_000
  t.is(await ask(addon, basic('b:old')), 407)
  t.deepEqual(await ask(addon, basic('b:new')), ['b', 'new'])
  writeFileSync(path, 'b:nonsense\n')
  Date.now = () => now() + 4_000
  t.deepEqual(await ask(addon, basic('b:new')), ['b', 'new'])
  t.regex(log.join('\n'), /^error: proxyauth: .*users: line 1: its hash .*; the users of before stay$/)
})
