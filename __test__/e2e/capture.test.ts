// The capture, read by Wireshark's own reader, which finds what is inside TLS without any other file.
import { mkdtempSync, rmSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { inEveryWay } from '../support/addon-ways.js'
import { certificate } from '../support/certificates.js'
import { dnsClient, queryFor } from '../support/dns-client.js'
import { hosts, nameServer } from '../support/name-server.js'
import { startProxy } from '../support/proxy.js'
import { bind, dial, listen } from '../support/talk.js'
import { run } from './support/processes.js'
import { missing } from './support/skip.js'
import { suite } from './support/suite.js'

const check = suite(['tshark', 'curl'], async () => undefined)

/** Wireshark's own judgement: TCP with holes or repetitions, sums that are wrong, and what it cannot read. */
const FAULTS = [
  ...['tcp.analysis.flags', '_ws.malformed', '_ws.expert.severity == error'],
  ...['tcp', 'udp', 'ip'].map((protocol) => `${protocol}.checksum.status == "Bad"`),
].join(' || ')

/**
 * Fields of the packets that match, a line for each, with tabs between them. tshark reads the file once, from its beginning to its end:
 * a secret that stands too late is not found.
 */
async function read(t: ExecutionContext, file: string, filter: string, ...fields: string[]): Promise<string[]> {
  const known = dnsPorts.flatMap((port) => ['-d', `tcp.port==${port},dns`])
  const sums = ['tcp', 'udp', 'ip'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`])
  const wanted = fields.flatMap((field) => ['-e', field])
  const args = ['-n', '-r', file, ...sums, ...known, '-Y', filter, '-T', 'fields', ...wanted]
  const { code, stdout, stderr } = await run('tshark', args, { timeout: 90_000 })
  t.is(code, 0, stderr)
  return stdout.toString().split('\n').slice(0, -1)
}

/** Wireshark looks for DNS in TCP only at ports that it knows. */
const dnsPorts: number[] = []

function fileFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-capture-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'capture.pcapng')
}

check('HTTP/1 and HTTP/2 inside TLS 1.2 and 1.3 are read on both legs, and so are DNS and raw TCP', async (t) => {
  const { pem, keyPem } = certificate({ names: ['127.0.0.1'] })
  const web = createSecureServer({ cert: pem, key: keyPem, allowHTTP1: true }, (request, response) => {
    request.resume().on('end', () => response.end(`${request.url} `.repeat(2000)))
  })
  web.on('session', (session) => session.on('error', () => {}))
  const port = await bind(t, web as never)
  const echo = await listen(t, ({ socket }) => socket.pipe(socket))
  const names = await nameServer(t, hosts({ 'name.example': ['192.0.2.7'] }))
  const file = fileFor(t)
  const running = await startProxy(t, {
    modes: ['dns@0', 'regular@0', `reverse:tcp://127.0.0.1:${echo.port}@0`],
    options: { pcap_file: file, dns_name_servers: [names.text] },
  })
  const portOf = (mode: string) => running.proxy.listeners.find((one) => one.mode === mode)?.port ?? 0

  dnsPorts.push(portOf('dns'))

  const paths: Record<string, string[]> = { 'http1.1': [], http2: [] }
  for (const [http, list] of Object.entries(paths)) {
    for (const tls of ['1.2', '1.3']) {
      const path = `/${http}/${tls}`
      const authority = join(running.proxy.confdir, 'midwire-ca-cert.pem')
      const how = ['-x', `http://127.0.0.1:${portOf('regular')}`, '--cacert', authority, `--${http}`, '--tls-max', tls]
      const { code, stdout, stderr } = await run('curl', [
        ...['-sS', ...how, '-d', 'x'.repeat(100_000), `https://127.0.0.1:${port}${path}`],
      ])
      t.is(code, 0, stderr)
      t.is(stdout.length, (path.length + 1) * 2000)
      list.push(`clients\t${path}`, `servers\t${path}`)
    }
  }
  for (const by of ['udp', 'tcp'] as const) {
    const client = await dnsClient(t, running, by)
    t.is((await client.asks(queryFor('name.example'))).answers.length, 1)
    client.ends()
  }
  const talk = await dial(t, portOf('reverse'))
  talk.says('raw bytes')
  await talk.hears('raw bytes')
  talk.socket.end()
  await talk.hearsAll()
  await running.proxy.close()

  const leg = 'frame.interface_name'
  t.deepEqual(await read(t, file, FAULTS, 'frame.number', '_ws.col.Info'), [])
  const requests = await read(t, file, 'http.request.method == "POST"', leg, 'http.request.uri')
  t.deepEqual(requests.sort(), paths['http1.1']?.sort())
  const streams = await read(t, file, 'http2.headers.path', leg, 'http2.headers.path')
  t.deepEqual(streams.sort(), paths.http2?.sort())
  t.is((await read(t, file, 'http.response.code == 200 && tls', leg)).length, 4)
  t.is((await read(t, file, 'http2.headers.status == 200', leg)).length, 4)
  t.deepEqual(await read(t, file, 'dns.flags.response == 1', 'dns.qry.name', 'dns.a'), [
    ...['name.example\t192.0.2.7', 'name.example\t192.0.2.7'],
  ])
  const raw = await read(t, file, 'tcp.payload contains "raw bytes"', leg)
  t.deepEqual(raw.sort(), ['clients', 'clients', 'servers', 'servers'])
  // A connection of a client begins and ends. Those with servers may wait for further requests when the proxy is closed.
  const ofClients = 'frame.interface_name == "clients"'
  const begun = await read(t, file, `${ofClients} && tcp.flags.syn == 1 && tcp.flags.ack == 0`, 'tcp.stream')
  const ended = await read(t, file, `${ofClients} && (tcp.flags.fin == 1 || tcp.flags.reset == 1)`, 'tcp.stream')
  t.is(begun.length, 6)
  t.deepEqual([...new Set(ended)].sort(), begun.sort())
})

let files = 0
const folder = join(tmpdir(), `midwire-capture-${process.pid}`)

inEveryWay(
  'a request is read on both legs',
  () => ({ options: { pcap_file: `${folder}-${files++}.pcapng` } }),
  async (t, { running, ask, http }) => {
    const file = `${running.proxy.options.get('pcap_file')}`
    t.teardown(() => rmSync(file))
    await ask('/path?a', { method: 'POST', body: 'sent '.repeat(1000) })
    await running.proxy.close()
    const reason = missing(['tshark'])
    if (reason) {
      t.log(`skipped: ${reason}`)
      t.pass()
      return
    }
    t.deepEqual(await read(t, file, FAULTS, 'frame.number', '_ws.col.Info'), [])
    const [filter, field] =
      http === 1 ? ['http.request.method == "POST"', 'http.request.uri'] : ['http2.headers.path', 'http2.headers.path']
    const found = await read(t, file, filter, 'frame.interface_name', field)
    t.is(found.length, 2, found.join())
    t.true(
      found.every((one) => one.endsWith('/path?a')),
      found.join(),
    )
    t.deepEqual(found.map((one) => one.split('\t')[0]).sort(), ['clients', 'servers'])
  },
)
