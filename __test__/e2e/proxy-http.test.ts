// The midwire command with curl as the device's client: HTTP and HTTPS over both families, and what HTTP/1 has in its corners.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Echo } from './programs/upstream.js'
import type { Device } from './support/device.js'
import { patternBytes, patternHash } from './support/pattern.js'
import type { Outcome } from './support/processes.js'
import { endsWell, type Stage, stage, web } from './support/scene.js'
import { suite } from './support/suite.js'

const check = suite(['midwire', 'wireguard-go', 'curl'], (world) => stage(world))

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')

/** What a server was asked; curl itself must have nothing to complain of. */
function echoOf(t: ExecutionContext, outcome: Outcome): Echo {
  t.is(outcome.stderr, '')
  t.is(outcome.code, 0)
  return JSON.parse(outcome.stdout.toString())
}

const https = (device: Device, midwire: Stage['midwire'], ...args: string[]) =>
  device.curl('--cacert', midwire.authority, ...args)

/** The status line and fields of each response that curl was told to print with `-i`, and the rest. */
function parts({ stdout }: Outcome): { heads: string[]; body: string } {
  const heads: string[] = []
  let body = stdout.toString('latin1')
  while (body.startsWith('HTTP/1.1 ')) {
    const end = body.indexOf('\r\n\r\n') + 4
    heads.push(body.slice(0, end))
    body = body.slice(end)
  }
  return { heads, body }
}

for (const [family, host] of [
  ['IPv4', web.v4],
  ['IPv6', `[${web.v6}]`],
] as const) {
  check(`HTTP over ${family}`, async (t, { midwire, device }) => {
    const echo = echoOf(
      t,
      await device.curl('-H', 'X-Case: Kept', '-H', 'x-twice: 1', '-H', 'x-twice: 2', `http://${host}/echo?${family}`),
    )
    t.true(echo.headers.join('|').endsWith('|X-Case|Kept|x-twice|1|x-twice|2'), echo.headers.join('|'))
    t.false(echo.secure)
    const flow = await midwire.httpFlow(`/echo?${family}`)
    t.is(flow.response?.status, 200)
    t.is(flow.client.address, device.addresses[family === 'IPv4' ? 0 : 1] ?? '')
    t.is(flow.client.peer, 'default')
    t.deepEqual(flow.client.destination, { address: host.replace(/[[\]]/g, ''), port: 80 })
    t.is(flow.error, null)
  })

  check(`HTTPS over ${family}, by address`, async (t, { midwire, device }) => {
    t.true(echoOf(t, await https(device, midwire, `https://${host}/echo?s${family}`)).secure)
    const flow = await midwire.httpFlow(`/echo?s${family}`)
    t.is(flow.request?.url, `https://${host}/echo?s${family}`)
    t.is(flow.client.tls?.version, 'TLSv1.3')
    t.is(flow.server?.tls?.version, 'TLSv1.3')
  })
}

check("HTTPS by a name of the tunnel's resolver", async (t, { midwire, device }) => {
  for (const [option, name, address] of [
    ['-4', web.name, web.v4],
    ['-6', web.name, web.v6],
    ['-4', web.zone, web.v4],
  ] as const) {
    const outcome = await https(
      device,
      midwire,
      option,
      '-w',
      '%{stderr}%{remote_ip}',
      `https://${name}/echo?${option}`,
    )
    t.is(outcome.stderr, address)
    const flow = await midwire.httpFlow(`https://${name}/echo?${option}`)
    t.is(flow.client.tls?.sni, name)
    t.is(flow.client.tls?.alpn, 'http/1.1')
    t.regex(flow.client.tls?.ja4 ?? '', /^t13d/)
  }
})

check(
  'without the certificate curl refuses, and the log says where the certificate is',
  async (t, { midwire, device }) => {
    const { code, stderr } = await device.curl(`https://${web.name}/echo`)
    t.is(code, 60, stderr)
    await midwire.logged(
      /does not trust our certificate: install midwire's certificate in the client, from http:\/\/mitm\.it/,
    )
  },
)

check('POST with Expect: 100-continue, answered by the server', async (t, { midwire, device }) => {
  const body = 'x'.repeat(5000)
  for (const url of [`http://${web.v4}/echo?e`, `https://${web.name}/echo?es`]) {
    const outcome = await https(device, midwire, '-i', '-H', 'Expect: 100-continue', '--data-binary', body, url)
    const { heads, body: answer } = parts(outcome)
    t.deepEqual(
      heads.map((head) => head.split('\r\n')[0]),
      ['HTTP/1.1 100 Continue', 'HTTP/1.1 200 OK'],
    )
    const echo: Echo = JSON.parse(answer)
    t.true(echo.expected)
    t.is(echo.sha256, sha256(body))
    // curl waits a second where no 100 comes.
    t.true(outcome.ms < 900, `${outcome.ms} ms`)
  }
})

check('a chunked upload', async (t, { midwire, device }) => {
  const input = patternBytes(300_000).toString('latin1')
  const args = ['-sS', '-T', '-', '-H', 'Expect:', `http://${web.v4}/echo?up`]
  const echo = echoOf(t, await device.run(['curl', ...args], { input }))
  t.is(echo.method, 'PUT')
  t.true(echo.headers.join(' ').toLowerCase().includes('transfer-encoding chunked'))
  t.is(echo.sha256, sha256(input))
  t.is((await midwire.httpFlow('/echo?up')).request?.bodyLength, Buffer.byteLength(input))
})

check('a chunked download with a trailer, and two fields of one name', async (t, { midwire, device, folder }) => {
  for (const url of [`http://${web.v4}/chunked/300000`, `https://${web.name}/chunked/300001`]) {
    const size = Number(url.split('/').at(-1))
    const dump = join(folder, `head-${size}`)
    const outcome = await https(device, midwire, '-D', dump, url)
    t.is(outcome.stderr, '')
    t.is(sha256(outcome.stdout), patternHash(size))
    const head = readFileSync(dump, 'latin1')
    t.regex(head, /^HTTP\/1.1 200 Chunky\r\n/)
    t.regex(head, /X-Twice: one\r\nX-Twice: two\r\n/)
    // curl writes trailers there, too.
    t.true(head.endsWith(`\r\n\r\nX-Sum: ${patternHash(size)}\r\n`), head)
    const flow = await midwire.httpFlow(`/chunked/${size}`)
    t.deepEqual(flow.response?.trailers, [['X-Sum', patternHash(size)]])
  }
})

check('a trailer of a request', async (t, { device }) => {
  // curl sends none: the bytes of the request are written by hand.
  const head = `POST /echo HTTP/1.1\r\nHost: ${web.v4}\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\nConnection: close\r\n\r\n`
  const input = `${head}5\r\nhello\r\n0\r\nX-End: here\r\n\r\n`
  const { stdout } = await device.run(['curl', '-sS', '--max-time', '10', `telnet://${web.v4}:80`], { input })
  const echo: Echo = JSON.parse(
    stdout
      .toString()
      .split('\r\n\r\n')[1]
      ?.replace(/^[\da-f]+\r\n/, '')
      .split('\r\n')[0] ?? '',
  )
  t.deepEqual(echo.trailers, ['X-End', 'here'])
  t.is(echo.sha256, sha256('hello'))
})

check('keep-alive: two requests on one connection, and one to the server', async (t, { midwire, device }) => {
  for (const base of [`http://${web.v4}`, `https://${web.name}`]) {
    const two = [`${base}/echo?first`, `${base}/echo?second`]
    const { stdout, stderr } = await https(device, midwire, '-w', '%{stderr}%{num_connects} ', ...two)
    t.is(stderr, '1 0 ')
    const [first, second] = stdout
      .toString()
      .split(/(?<=\})(?=\{)/)
      .map((text): Echo => JSON.parse(text))
    t.is(first?.connection, second?.connection)
    await midwire.httpFlow('/echo?first')
    await midwire.httpFlow('/echo?second')
  }
})

check('HEAD, 204 and 304 have no body, and the connection goes on', async (t, { midwire, device }) => {
  const base = `http://${web.v4}`
  const head = await device.curl('-I', `${base}/bytes/1234567`)
  t.regex(head.stdout.toString(), /^HTTP\/1.1 200 OK\r\n(.+\r\n)*Content-Length: 1234567\r\n/)
  const write = ['-w', '%{stderr}%{http_code} %{num_connects} %{size_download}\n']
  const outcome = await device.curl(
    ...[...write, '-o', '/dev/null', `${base}/nothing`],
    ...['--next', '-sS', ...write, '-o', '/dev/null', '-H', 'If-None-Match: "pattern"', `${base}/bytes/777`],
    ...['--next', '-sS', ...write, '-o', '/dev/null', `${base}/bytes/10`],
  )
  t.is(outcome.stderr, '204 1 0\n304 0 0\n200 0 10\n')
  t.is((await midwire.httpFlow('/bytes/1234567')).response?.bodyLength, 0)
  t.is((await midwire.httpFlow('/bytes/777')).response?.status, 304)
})

check('Range', async (t, { midwire, device }) => {
  const outcome = await https(
    device,
    midwire,
    '-r',
    '1000-1999',
    '-w',
    '%{stderr}%{http_code}',
    `https://${web.name}/bytes/5000`,
  )
  t.is(outcome.stderr, '206')
  t.deepEqual(outcome.stdout, patternBytes(5000).subarray(1000, 2000))
})

check('ten at once, over TLS', async (t, { midwire, device }) => {
  const urls = Array.from({ length: 10 }, (_, at) => `https://${web.name}/bytes/${100_000 + at}`)
  const outcome = await https(
    device,
    midwire,
    '--parallel',
    '--parallel-immediate',
    '-w',
    '%{size_download}\n',
    ...urls.flatMap((url) => ['-o', '/dev/null', url]),
  )
  t.deepEqual(
    outcome.stdout.toString().trim().split('\n').sort(),
    urls.map((url) => url.split('/').at(-1) ?? ''),
  )
})

endsWell(check)
