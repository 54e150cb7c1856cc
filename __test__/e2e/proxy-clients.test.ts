// Other clients than curl over the tunnel: wget, Python's urllib, Node's fetch and undici; and mitm.it, as each of them sees it.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type * as FetchProgram from './programs/fetch.js'
import type { Echo } from './programs/upstream.js'
import { plainEnvironment } from './support/midwire.js'
import { patternBytes, patternHash } from './support/pattern.js'
import { Remote } from './support/remote.js'
import { endsWell, stage, web } from './support/scene.js'
import { suite } from './support/suite.js'

const check = suite(['midwire', 'wireguard-go', 'curl'], async (world) => {
  const scene = await stage(world)
  const env = plainEnvironment({ NODE_EXTRA_CA_CERTS: scene.midwire.authority })
  const node = await Remote.start<typeof FetchProgram>(scene.device.namespace, 'fetch', env)
  return { ...scene, node }
})

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

check(
  'wget gets over HTTP and HTTPS',
  async (t, { midwire, device }) => {
    const wget = (...args: string[]) =>
      device.run(['wget', '-nv', '-T', '10', '-t', '1', '-O', '-', `--ca-certificate=${midwire.authority}`, ...args])
    for (const url of [`http://${web.name}/bytes/50000`, `https://${web.name}/bytes/50001`]) {
      const { code, stdout, stderr } = await wget(url)
      t.is(code, 0, stderr)
      t.is(sha256(stdout), patternHash(Number(url.split('/').at(-1))))
    }
    t.is((await wget(`https://${web.name}/missing`)).code, 8)
    t.is((await midwire.httpFlow('/missing')).response?.status, 404)
  },
  ['wget'],
)

/** Prints the status, the length and the hash of each answer. */
const PYTHON = `
import hashlib, sys, urllib.request
for url in sys.argv[1:]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        data = answer.read()
        print(answer.status, len(data), hashlib.sha256(data).hexdigest())
`

check(
  "Python's urllib gets over HTTP and HTTPS, and refuses without the certificate",
  async (t, { midwire, device }) => {
    const urls = [
      `http://${web.name}/chunked/40000`,
      `https://${web.name}/bytes/40001`,
      `https://[${web.v6}]/bytes/40002`,
    ]
    const command = ['python3', '-c', PYTHON, ...urls]
    const { stdout, stderr } = await device.run(command, { env: { SSL_CERT_FILE: midwire.authority } })
    t.is(stderr, '')
    const wanted = [40_000, 40_001, 40_002].map((size) => `200 ${size} ${patternHash(size)}\n`)
    t.is(stdout.toString(), wanted.join(''))
    const refused = await device.run(['python3', '-c', PYTHON, urls[1] ?? ''])
    t.regex(refused.stderr, /CERTIFICATE_VERIFY_FAILED/)
    await midwire.logged(/does not trust our certificate/)
  },
  ['python'],
)

check("Node's fetch", async (t, { midwire, node }) => {
  for (const url of [`http://${web.name}/echo`, `https://${web.name}/echo`, `https://${web.zone}/echo`]) {
    const { status, body } = await node.call('get', url)
    t.is(status, 200)
    t.is((JSON.parse(body) as Echo).secure, url.startsWith('https'))
  }
  const chunks = ['some', 'chunks', patternBytes(100_000).toString('hex')]
  const { body } = await node.call('post', `https://${web.name}/echo?posted`, chunks)
  const echo: Echo = JSON.parse(body)
  t.is(echo.sha256, sha256(Buffer.from(chunks.join(''))))
  t.is((await midwire.httpFlow('/echo?posted')).request?.bodyLength, 200_010)
  t.is(await node.call('failure', `https://no-such.test/`), 'ENOTFOUND')
  t.is(await node.call('failure', `http://${web.v4}:81/`), 'ECONNREFUSED')
})

check('undici, request after request on one connection, with trailers', async (t, { node }) => {
  for (const [scheme, size] of [
    ['http', 30_000],
    ['https', 30_001],
  ] as const) {
    const { statuses, bytes, trailers } = await node.call('several', `${scheme}://${web.name}/chunked/${size}`, 5)
    t.deepEqual(statuses, [200, 200, 200, 200, 200])
    t.is(bytes, 5 * size)
    t.deepEqual(trailers, { 'x-sum': patternHash(size) })
  }
})

check(
  'mitm.it has the page and the certificate, by name and by the address of the resolver',
  async (t, { midwire, device }) => {
    for (const host of ['mitm.it', device.resolver[0], `[${device.resolver[1]}]`]) {
      const page = await device.curl('-w', '%{stderr}%{http_code}', `http://${host}/`)
      t.is(page.stderr, '200', host)
      t.regex(page.stdout.toString(), /<h1>Install the certificate<\/h1>/)
      const pem = await device.curl('-f', `http://${host}/cert/pem`)
      t.is(pem.stdout.toString(), readFileSync(midwire.authority, 'utf8'))
    }
    const secure = await device.curl('--cacert', midwire.authority, '-w', '%{stderr}%{http_code}', 'https://mitm.it/')
    t.is(secure.stderr, '200')
    t.is((await midwire.httpFlow('http://mitm.it/')).server, null)
  },
)

endsWell(check)
