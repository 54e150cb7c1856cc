// `midwire demo`: a device and a web site in this very process, and a proxy between them. No phone, no root, nothing on the network.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Addon, aRecord, dnsReply, logSink, Midwire, MidwireError, terminalSink } from '../index.js'
import type { Arguments } from './arguments.js'
import { Device } from './demo-device.js'
import { HOST_NAME, Site } from './demo-site.js'
import { delay, type Streams, wantsColor } from './streams.js'

/** Milliseconds for all of it; it takes less than one second. */
const PATIENCE = 10_000

/** Throws a MidwireError, or what a connection fails with. */
export async function demo(args: Arguments, { stdout, stderr, env }: Streams): Promise<number> {
  if (args.words.length > 1) throw new MidwireError('ERR_ARGUMENT', 'midwire demo takes no words')
  const confdir = await mkdtemp(join(tmpdir(), 'midwire-demo-'))
  const site = await Site.start()
  const trusted = join(confdir, 'site.pem')
  await writeFile(trusted, site.certificate)
  const color = wantsColor(stdout, env, args.color)
  const sinks = [terminalSink(stdout, { color }), logSink(stderr, { termlog_verbosity: 'warn' })]
  // The site is where nobody could dial it through a tunnel: the addon leads there, once a request has come.
  const options = { ssl_verify_upstream_trusted_ca: trusted, connection_strategy: 'lazy' } as const
  let proxy: Midwire | undefined
  let device: Device | undefined
  try {
    stdout.write('A WireGuard server, a WireGuard client and a web site start in this process:\n\n')
    proxy = await Midwire.start({ modes: ['wireguard@127.0.0.1:0'], confdir, options, sinks, addons: [signpost] })
    const [peer] = proxy.peers
    device = await Device.start(peer?.config ?? '', proxy.authority.pem)
    await Promise.race([conversation(device, site), late()])
    // A flow is shown when it is over, which is a moment after its client has what it wanted.
    await delay(100)
  } finally {
    await device?.close()
    await proxy?.close()
    site.close()
    await rm(confdir, { recursive: true, force: true })
  }
  stdout.write(CLOSING)
  return 0
}

const CLOSING = `
It works on this machine: what you see went through a WireGuard tunnel, its TCP and its TLS were taken apart, and put
together again.

  midwire               scan the QR code with the WireGuard app of a phone, then open http://mitm.it on it
  midwire -m regular    an HTTP proxy for browsers and curl, on port 8080
  midwire --help        the rest
`

/** An address of documentation (RFC 5737): it leads nowhere by itself. */
const NOWHERE = '192.0.2.80'

/** The device is told an address of nobody's, and what it asks for there comes from the site in this process. */
const signpost: Addon = {
  name: 'signpost',
  dns_request(flow) {
    flow.response = dnsReply(flow.request, { answers: [aRecord(HOST_NAME, NOWHERE)] })
  },
  requestheaders({ request }) {
    request.host = 'localhost'
  },
}

/** What the device does. */
async function conversation(device: Device, site: Site): Promise<void> {
  const address = await device.lookUp(HOST_NAME)
  expect(address === NOWHERE, 'the answer to a DNS query')
  const page = await device.request({ address, port: site.httpPort, path: '/' })
  expect(page.body.includes('midwire'), 'a page over HTTP')
  const posted = await device.request({
    address,
    port: site.httpPort,
    method: 'POST',
    path: '/login',
    body: 'user=demo',
  })
  expect(posted.status === 303, 'the answer to a POST')
  const secure = await device.request({ address, port: site.httpsPort, path: '/account', secure: true })
  expect(secure.body.includes('secret'), 'a page over HTTPS')
  const missing = await device.request({ address, port: site.httpsPort, path: '/nothing-here', secure: true })
  expect(missing.status === 404, 'an error over HTTPS')
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`the demonstration has failed: ${what} did not come as it was sent`)
}

async function late(): Promise<never> {
  await delay(PATIENCE)
  throw new Error(`the demonstration has failed: it was not over after ${PATIENCE / 1000} s`)
}
