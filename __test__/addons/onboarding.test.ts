// mitm.it: the page, the files, the probe; and what is none of its business.
import { createHash } from 'node:crypto'
import test from 'ava'
import { builtinAddons } from '../../src/addons/index.js'
import { onboarding } from '../../src/addons/onboarding.js'
import { platformsOf } from '../../src/addons/onboarding-steps.js'
import type { ClientConnection, Peer } from '../../src/connection.js'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest, type HttpResponse } from '../../src/flow/http.js'
import type { GivenOptions, OptionSnapshot } from '../../src/options/definitions.js'
import { readOptions } from '../../src/options/read.js'

const authority = {
  pem: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  p12: () => Buffer.from([0x30, 0x80]),
  commonName: 'mid<wire>',
  fingerprint: 'AB:CD:EF',
  crlPath: '/midwire-01.crl',
  crl: () => Buffer.alloc(0),
}

const AGENTS = {
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1',
  android:
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36',
  androidFirefox: 'Mozilla/5.0 (Android 14; Mobile; rv:120.0) Gecko/120.0 Firefox/120.0',
  windows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0',
  windowsFirefox: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0',
  mac: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.0 Safari/605.1.15',
  linux: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36',
  curl: 'curl/8.5.0',
}

interface Asked {
  method?: string
  host?: string
  agent?: string
  scheme?: 'http' | 'https'
  peer?: Peer
}

const page = onboarding({ host: 'mitm.it', resolver: ['10.0.0.53', 'fd00::53'], authority })

function ask(
  path: string,
  { method = 'GET', host = 'mitm.it', agent, scheme = 'http', peer }: Asked = {},
  addon = page,
) {
  const raw = ['Host', host, ...(agent ? ['User-Agent', agent] : [])]
  const parts = {
    method,
    path,
    scheme,
    host: '10.0.0.53',
    port: 80,
    version: '1.1',
    headers: new HttpHeaders(raw),
  } as const
  const end = { address: '10.0.0.1', port: 1, family: 4 } as const
  const client: ClientConnection = {
    id: 'c',
    transport: 'tcp',
    remote: end,
    local: end,
    mode: 'wireguard',
    explicit: false,
    peer,
  }
  const flow = new HttpFlow(
    { world: { newId: () => 'f', now: () => 0, act() {} }, client, server: undefined, now: 0 },
    new HttpRequest(parts, 1000, 0),
  )
  void addon.requestheaders?.(flow)
  return flow.response
}

function answer(path: string, asked: Asked = {}): HttpResponse {
  const response = ask(path, asked)
  if (!response) throw new Error(`${path} was not answered`)
  return response
}

test('only its own host is answered, by any scheme, port and case', (t) => {
  for (const host of ['mitm.it', 'MITM.it', 'mitm.it:80', 'mitm.it:443', 'mitm.it.']) {
    t.is(ask('/', { host })?.status, 200, host)
    t.is(ask('/', { host, scheme: 'https' })?.status, 200, host)
  }
  for (const host of ['example.org', 'xmitm.it', 'mitm.it.example.org', 'mitm.itx', 'www.mitm.it', 'mitm.i']) {
    t.is(ask('/', { host }), undefined, host)
  }
})

test("a tunnel's resolver is the page, too, for its clients alone", (t) => {
  const peer = { publicKey: 'key' }
  t.is(ask('/', { host: '10.0.0.53', peer })?.status, 200)
  t.is(ask('/', { host: '[fd00::53]:80', peer })?.status, 200)
  t.is(ask('/', { host: '10.0.0.53' }), undefined)
  t.is(ask('/', { host: '10.0.0.54', peer }), undefined)
})

test('the files, with their types and names', (t) => {
  const files = [
    ['pem', 'application/x-x509-ca-cert', Buffer.from(authority.pem)],
    ['cer', 'application/x-x509-ca-cert', Buffer.from(authority.pem)],
    ['p12', 'application/x-pkcs12', authority.p12()],
  ] as const
  for (const [name, type, content] of files) {
    const { status, headers, content: got } = answer(`/cert/${name}?x=1`)
    t.is(status, 200)
    t.is(headers.get('content-type'), type)
    t.is(headers.get('content-disposition'), `attachment; filename=midwire-ca-cert.${name}`)
    t.is(headers.get('content-length'), `${content.length}`)
    t.deepEqual(got, content)
    const head = answer(`/cert/${name}`, { method: 'HEAD' })
    t.deepEqual(head.headers.raw, headers.raw, 'HEAD says the same')
    t.is(head.content.length, 0)
  }
})

test('the probe is a picture for any page', (t) => {
  const { status, headers, content } = answer('/probe?123')
  t.is(status, 200)
  t.is(headers.get('content-type'), 'image/gif')
  t.is(headers.get('access-control-allow-origin'), '*')
  t.is(headers.get('cache-control'), 'no-store')
  t.is(content.subarray(0, 6).toString('latin1'), 'GIF89a')
})

test('browsers that ask for an icon are given a picture, for which they would else complain', (t) => {
  const { status, headers } = answer('/favicon.ico')
  t.is(status, 200)
  t.is(headers.get('content-type'), 'image/gif')
})

test('anything else is not found, and nothing but GET and HEAD allowed', (t) => {
  for (const path of [
    '/x',
    '/cert',
    '/cert/',
    '/cert/key',
    '/cert/pem/',
    '/../cert/pem',
    '//',
    '*',
    '',
    '/cert/__proto__',
  ]) {
    t.is(answer(path).status, 404, path)
  }
  t.regex(answer('/x').text ?? '', /no such page/)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'get']) {
    const { status, headers } = answer('/', { method })
    t.is(status, 405)
    t.is(headers.get('allow'), 'GET, HEAD')
  }
})

test('the page: names, files and fingerprint, and nothing from elsewhere', (t) => {
  const { headers, text = '' } = answer('/', { agent: AGENTS.iphone })
  t.is(headers.get('content-type'), 'text/html; charset=utf-8')
  t.true(text.includes('AB:CD:EF'))
  t.true(text.includes('mid&lt;wire&gt;'))
  t.false(text.includes('<wire>'))
  t.false(text.includes('{name}'))
  for (const file of ['pem', 'cer', 'p12']) t.true(text.includes(`href="/cert/${file}"`))
  const links = [...text.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link]) => link)
  t.deepEqual([...new Set(links)].sort(), ['/cert/cer', '/cert/p12', '/cert/pem', 'https://mitm.it/'])
  t.true(Buffer.byteLength(text) < 16_000)
})

test('its policy allows its own style and script by their hashes, and no other', (t) => {
  const { headers, text = '' } = answer('/')
  const policy = headers.get('content-security-policy') ?? ''
  const hash = (tag: string) => {
    const [, inside = ''] = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(text) ?? []
    return `'sha256-${createHash('sha256').update(inside).digest('base64')}'`
  }
  t.true(policy.includes(`style-src ${hash('style')}`))
  t.true(policy.includes(`script-src ${hash('script')}`))
  t.true(policy.startsWith("default-src 'none'; "))
  t.true(policy.includes('img-src https://mitm.it;'))
  t.regex(text, /"https:\/\/mitm\.it\/probe\?"/)
})

test('what the visitor has comes first, open', (t) => {
  const first = (agent?: string) => /<(section|details) id="(\w+)"/.exec(answer('/', agent ? { agent } : {}).text ?? '')
  const expected: [string | undefined, string, string][] = [
    [AGENTS.iphone, 'section', 'ios'],
    [AGENTS.android, 'section', 'android'],
    [AGENTS.windows, 'section', 'windows'],
    [AGENTS.windowsFirefox, 'section', 'firefox'],
    [AGENTS.mac, 'section', 'macos'],
    [AGENTS.linux, 'section', 'linux'],
    [AGENTS.curl, 'section', 'programs'],
    [undefined, 'details', 'ios'],
  ]
  for (const [agent, tag, id] of expected) t.deepEqual(first(agent)?.slice(1), [tag, id], agent)
  t.deepEqual(platformsOf(AGENTS.androidFirefox), ['android', 'firefox'])
  t.deepEqual(platformsOf(AGENTS.mac), ['macos', 'ios'])
  for (const agent of [undefined, ...Object.values(AGENTS)]) {
    const ids = [...(answer('/', agent ? { agent } : {}).text ?? '').matchAll(/<(?:section|details) id="(\w+)"/g)]
    t.is(new Set(ids.map(([, id]) => id)).size, 7, 'all are there, whoever asks')
  }
})

test('a host that an option made up breaks nothing', (t) => {
  const host = `a"></script><script>'b`
  const raw = ['Host', host]
  const parts = {
    method: 'GET',
    path: '/',
    scheme: 'http',
    host,
    port: 80,
    version: '1.1',
    headers: new HttpHeaders(raw),
  } as const
  const end = { address: '10.0.0.1', port: 1, family: 4 } as const
  const client: ClientConnection = {
    id: 'c',
    transport: 'tcp',
    remote: end,
    local: end,
    mode: 'regular',
    explicit: true,
  }
  const flow = new HttpFlow(
    { world: { newId: () => 'f', now: () => 0, act() {} }, client, server: undefined, now: 0 },
    new HttpRequest(parts, 1000, 0),
  )
  void onboarding({ host, authority }).requestheaders?.(flow)
  t.is(flow.response?.status, 200)
  t.false(flow.response?.text?.includes("<script>'b"))
  t.false(flow.response?.headers.get('content-security-policy')?.includes('img-src'))
})

test('with the option off, the page is not there', (t) => {
  const addon = builtinAddons(readOptions(), authority).find(({ name }) => name === 'onboarding')
  t.truthy(addon)
  const answered = (given: GivenOptions) => {
    addon?.configure?.({ options: readOptions(given) as OptionSnapshot, changed: new Set(['onboarding']) })
    return ask('/', {}, addon)?.status
  }
  t.is(answered({}), 200)
  t.is(answered({ onboarding: false }), undefined)
  t.is(answered({}), 200)
})
