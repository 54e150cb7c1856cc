// `regular` mode: curl is told to use the proxy, as is the usual way with programs on the same machine.

import { createHash } from 'node:crypto'
import type { Echo } from './programs/upstream.js'
import { bareDevice } from './support/device.js'
import { patternBytes, patternHash } from './support/pattern.js'
import { endsWell, port, prepare, startMidwire, web } from './support/scene.js'
import { suite } from './support/suite.js'

const proxy = 'http://127.0.0.1:8080'

const check = suite(['midwire', 'curl'], async (world) => {
  const scene = await prepare(world)
  const midwire = await startMidwire(scene, ['--mode', 'regular'])
  const { run, curl } = bareDevice(world.server)
  return {
    ...scene,
    midwire,
    run,
    curl: (...args: string[]) => curl('-x', proxy, '--cacert', midwire.authority, ...args),
  }
})

check('it listens on 127.0.0.1 alone', async (t, { midwire, world, run }) => {
  t.deepEqual(
    midwire.ready.listeners.map(({ mode, host, port }) => [mode, host, port]),
    [['regular', '127.0.0.1', 8080]],
  )
  t.is((await run(['curl', '-sS', '-x', `http://${world.inside}:8080`, `http://${web.name}/echo`])).code, 7)
})

check('HTTP by an absolute URL, and HTTPS by CONNECT, both read', async (t, { midwire, curl }) => {
  for (const url of [`http://${web.name}/echo?r`, `https://${web.name}/echo?rs`, `https://[${web.v6}]/echo?r6`]) {
    const { code, stdout, stderr } = await curl('--data-binary', 'some text', url)
    t.is(code, 0, stderr)
    const echo: Echo = JSON.parse(stdout.toString())
    t.is(echo.url, new URL(url).pathname + new URL(url).search)
    t.is(echo.secure, url.startsWith('https'))
    t.is(echo.bytes, 9)
    t.false(echo.headers.join().toLowerCase().includes('proxy-'), echo.headers.join())
    const flow = await midwire.httpFlow(url)
    t.is(flow.request?.method, 'POST')
    t.is(flow.client.mode, 'regular')
    t.is(flow.server?.port, url.startsWith('https') ? 443 : 80)
  }
})

check('100 MiB down and up through CONNECT', async (t, { curl, run, folder, midwire }) => {
  const size = 100 * 1024 ** 2
  const file = `${folder}/bytes`
  const down = await curl('-o', file, `https://${web.name}/bytes/${size}`)
  t.is(down.stderr, '')
  t.is((await run(['sha256sum', file])).stdout.toString().split(' ')[0], patternHash(size))
  const up = await curl('-T', file, `https://${web.name}/echo?up`)
  t.is((JSON.parse(up.stdout.toString()) as Echo).sha256, patternHash(size))
  t.is((await midwire.httpFlow('/echo?up')).request?.bodyLength, size)
})

check('keep-alive: one connection to the proxy for two servers', async (t, { curl }) => {
  const urls = [`http://${web.name}/bytes/1000`, `http://${web.zone}/bytes/1000`]
  const { stdout, stderr } = await curl('-w', '%{stderr}%{http_code} %{num_connects} ', ...urls)
  t.is(stderr, '200 1 200 0 ')
  t.is(createHash('sha256').update(stdout.subarray(1000)).digest('hex'), patternHash(1000))
  t.deepEqual(stdout.subarray(0, 1000), patternBytes(1000))
})

check('who cannot be reached is a 502 that says why', async (t, { midwire, curl }) => {
  for (const [url, reason] of [
    [`http://${web.name}:${port.refused}/`, /refused/],
    ['http://no-such.test/', /no such name/],
  ] as const) {
    const { stdout, stderr } = await curl('-w', '%{stderr}%{http_code}', url)
    t.is(stderr, '502')
    t.regex(stdout.toString(), reason)
    t.regex((await midwire.httpFlow(url)).error ?? '', reason)
  }
  // The answer to a CONNECT is for the client, which tells its user the number.
  const tunnelled = await curl(`https://${web.name}:${port.refused}/`)
  t.is(tunnelled.code, 56, tunnelled.stderr)
  t.regex(tunnelled.stderr, /502/)
})

check('the proxy is no way to itself', async (t, { curl }) => {
  const { stdout, stderr } = await curl('--max-time', '5', '-w', '%{stderr}%{http_code}', `${proxy}/echo`)
  t.regex(stderr, /^(400|403|502)$/, stdout.toString())
})

check('mitm.it is there, too', async (t, { curl }) => {
  const page = await curl('-w', '%{stderr}%{http_code}', 'http://mitm.it/')
  t.is(page.stderr, '200')
  t.regex(page.stdout.toString(), /Install the certificate/)
  t.is((await curl('-o', '/dev/null', '-w', '%{http_code}', 'https://mitm.it/')).stdout.toString(), '200')
})

check(
  'clients that take RSA alone: s_client and curl, by cipher suites and by signature schemes',
  async (t, { midwire, run, curl }) => {
    const schemes = ['-sigalgs', 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256']
    for (const restriction of [
      ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA'],
      ['-tls1_2', ...schemes],
      ['-tls1_3', ...schemes],
    ]) {
      const { code, stdout, stderr } = await run([
        ...['openssl', 's_client', '-proxy', '127.0.0.1:8080', '-connect', `${web.name}:443`, '-servername', web.name],
        ...['-CAfile', midwire.authority, '-verify_return_error', ...restriction],
      ])
      t.is(code, 0, stderr)
      t.regex(stdout.toString(), /Verification: OK/)
      t.regex(stdout.toString(), /Peer signature type: RSA/)
    }
    const suites = ['--tls-max', '1.2', '--ciphers', 'ECDHE-RSA-AES128-GCM-SHA256']
    const { code, stdout, stderr } = await curl(...suites, `https://${web.name}/bytes/1000?rsa`)
    t.is(code, 0, stderr)
    t.deepEqual(stdout, patternBytes(1000))
    t.is((await midwire.httpFlow('?rsa')).client.tls?.version, 'TLSv1.2')
  },
  ['openssl'],
)

check('curl --http2 over HTTP: an offer of h2c with a body is an HTTP/1.1 request', async (t, { midwire, curl }) => {
  const { code, stdout, stderr } = await curl('-v', '--http2', '-d', 'hello', `http://${web.name}/echo?h2c`)
  t.is(code, 0, stderr)
  t.regex(stderr, /^> Upgrade: h2c/m)
  const echo: Echo = JSON.parse(stdout.toString())
  t.is(echo.method, 'POST')
  t.is(echo.sha256, createHash('sha256').update('hello').digest('hex'))
  const flow = await midwire.httpFlow('/echo?h2c')
  t.is(flow.request?.bodyLength, 5)
  t.is(flow.response?.status, 200)
})

check(
  'ab -k: HTTP/1.0 connections persist',
  async (t, { midwire, run }) => {
    const count = 200
    const options = ['-k', '-n', String(count), '-c', '4', '-X', '127.0.0.1:8080']
    const { code, stdout, stderr } = await run(['ab', ...options, `http://${web.name}/bytes/1000?ab`])
    t.is(code, 0, stderr)
    const value = (name: string) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(stdout.toString())?.[1])
    t.is(value('Complete requests'), count)
    t.is(value('Failed requests'), 0)
    t.is(value('Keep-Alive requests'), count)
    t.is(value('HTML transferred'), count * 1000)
    for (let left = count; left > 0; left -= 1) t.is((await midwire.httpFlow('?ab')).response?.status, 200)
  },
  ['ab'],
)

endsWell(check)
