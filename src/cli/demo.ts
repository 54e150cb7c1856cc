// `midwire demo`: a device, a web site and a proxy between them in this process. It needs no phone, no root and no network.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Addon, aRecord, dnsReply, logSink, Midwire, MidwireError, terminalSink } from '../index.js'
import type { Arguments } from './arguments.js'
import { Device } from './demo-device.js'
import { HOST_NAME, Site } from './demo-site.js'
import { delay, type Streams, wantsColor } from './streams.js'

/** The beginning of the name of its folder, among the system's temporary ones. */
export const DEMO_PREFIX = 'midwire-demo-'

/** Milliseconds until the demonstration has failed; as a rule it takes less than one second. */
const PATIENCE = 10_000

/** Throws a MidwireError, or the error of a connection that has failed. */
export async function demo(args: Arguments, { stdout, stderr, env }: Streams): Promise<number> {
  if (args.words.length > 1) throw new MidwireError('ERR_ARGUMENT', 'midwire demo takes no words')
  const confdir = await mkdtemp(join(tmpdir(), DEMO_PREFIX))
  const site = await Site.start()
  const trusted = join(confdir, 'site.pem')
  await writeFile(trusted, site.certificate)
  const color = wantsColor(stdout, env, args.color)
  const sinks = [terminalSink(stdout, { color }), logSink(stderr, { termlog_verbosity: 'warn' })]
  // The site listens on loopback, which a device cannot reach through a tunnel. With `lazy` the proxy connects to no server before the
  // addon has led the request to the site.
  const options = { ssl_verify_upstream_trusted_ca: trusted, connection_strategy: 'lazy' } as const
  let proxy: Midwire | undefined
  let device: Device | undefined
  try {
    stdout.write('A WireGuard server, a WireGuard client and a web site start in this process:\n\n')
    proxy = await Midwire.start({ modes: ['wireguard@127.0.0.1:0'], confdir, options, sinks, addons: [signpost] })
    const [peer] = proxy.peers
    device = await Device.start(peer?.config ?? '', proxy.authority.pem)
    await Promise.race([conversation(device, site), late()])
    // The last flow is over, and printed, a moment after the device has its response.
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
midwire works on this machine: these requests went through a WireGuard tunnel, and midwire has taken their TCP and their
TLS apart, and put them together again.

  midwire               scan the QR code with the WireGuard app of a phone, then open http://mitm.it on it
  midwire -m regular    an HTTP proxy for browsers and curl, on port 8080
  midwire --help        the rest
`

/** An address for documentation (RFC 5737), which belongs to no machine. */
const NOWHERE = '192.0.2.80'

/** Answers the DNS query of the device with NOWHERE, and leads the requests to that address to the site in this process. */
const signpost: Addon = {
  name: 'signpost',
  dns_request(flow) {
    flow.response = dnsReply(flow.request, { answers: [aRecord(HOST_NAME, NOWHERE)] })
  },
  requestheaders({ request }) {
    request.host = 'localhost'
  },
}

/** The device looks up the site's name and requests pages, and each answer is checked. */
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
  if (!condition) throw new Error(`the demonstration has failed: the device has not received ${what} as it was sent`)
}

async function late(): Promise<never> {
  await delay(PATIENCE)
  throw new Error(`the demonstration has failed: it has not ended within ${PATIENCE / 1000} s`)
}
