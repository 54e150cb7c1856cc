// The capture of a running proxy, read back: the bytes of both legs with their secrets, and what happens where the file cannot be written.
import { readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { Midwire } from '../../src/index.js'
import { Capture } from '../../src/proxy/capture.js'
import { Pipe } from '../../src/transports/pipe.js'
import { inEveryWay } from '../support/addon-ways.js'
import { dnsClient, queryFor } from '../support/dns-client.js'
import { requestFlow } from '../support/export-flow.js'
import { client } from '../support/flows.js'
import { hosts, nameServer } from '../support/name-server.js'
import { readCapture, streamsOf } from '../support/pcapng.js'
import { ok, startProxy } from '../support/proxy.js'
import { listen } from '../support/talk.js'

const folder = join(tmpdir(), `midwire-capture-${process.pid}`)

async function place(t: ExecutionContext): Promise<string> {
  const made = await mkdtemp(`${folder}-`)
  t.teardown(() => rm(made, { recursive: true }))
  return join(made, 'capture.pcapng')
}

let files = 0

inEveryWay(
  'both legs are captured, with what decrypts them',
  () => ({ options: { pcap_file: `${folder}-${files++}.pcapng` } }),
  async (t, { running, ask, http, origin }) => {
    const file = `${running.proxy.options.get('pcap_file')}`
    t.teardown(() => rm(file))
    const { body } = await ask('/path', { method: 'POST', body: 'sent '.repeat(1000) })
    t.is(`${body}`, 'answer')
    await running.proxy.close()
    t.is(statSync(file).mode & 0o777, 0o600)
    const { packets, types, secrets } = readCapture(readFileSync(file))
    t.deepEqual(types.slice(0, 3), [0x0a0d0d0a, 1, 1])
    t.true(packets.every(({ isSound }) => isSound))
    const numbers = new Set(packets.map(({ number }) => number))
    t.deepEqual([...numbers].sort(), [0, 1])
    const streams = [...streamsOf(packets)]
    const toServer = streams
      .filter(([name]) => name.endsWith(` > ${origin.host} ${origin.port}`))
      .map(([, bytes]) => bytes)
    if (http === 1) {
      t.true(toServer.length > 0)
      t.true(toServer.some((bytes) => bytes.includes('POST /path') && bytes.includes('sent sent')))
      t.is(secrets, '')
      return
    }
    // Each side's ClientHello has the number by which the log's lines name its connection.
    const hellos = streams.flatMap(([, bytes]) => {
      const at = bytes.indexOf(Buffer.from([0x16, 3, 1]))
      return at === -1 ? [] : [bytes.subarray(at + 11, at + 43).toString('hex')]
    })
    t.is(hellos.length, 2)
    for (const random of hellos) t.regex(secrets, new RegExp(`^CLIENT_TRAFFIC_SECRET_0 ${random} `, 'm'))
    t.false(streams.some(([, bytes]) => bytes.includes('sent sent')))
    // The secrets stand before the packets that they decrypt: the first encrypted ones come after the handshake.
    t.true(types.indexOf(10) < types.lastIndexOf(6))
  },
)

test('datagrams are captured, and a file gets another section', async (t) => {
  const file = await place(t)
  const names = await nameServer(t, hosts({ 'name.example': ['192.0.2.7'] }))
  for (const path of [file, `+${file}`]) {
    const running = await startProxy(t, {
      modes: ['dns@0'],
      options: { pcap_file: path, dns_name_servers: [names.text] },
    })
    const client = await dnsClient(t, running, 'udp')
    await client.asks(queryFor('name.example'))
    await running.proxy.close()
  }
  const { packets, types } = readCapture(readFileSync(file))
  t.deepEqual(
    types.filter((type) => type !== 6),
    [0x0a0d0d0a, 1, 1, 0x0a0d0d0a, 1, 1],
  )
  t.deepEqual(
    packets.map(({ protocol, data }) => protocol === 17 && data.includes('\x04name\x07example')),
    [true, true, true, true],
  )
  t.is(packets[0]?.source, packets[1]?.destination)
})

test('a request that is replayed has a server alone', async (t) => {
  const file = await place(t)
  const server = await listen(t, (talk) => talk.socket.once('data', () => talk.says(ok('again'))))
  const running = await startProxy(t, { options: { pcap_file: file } })
  const flow = requestFlow({ port: server.port, fields: ['Host', `127.0.0.1:${server.port}`] })
  flow.request.endedAt = 1000
  await running.proxy.replay(flow)
  await running.proxy.close()
  const { packets } = readCapture(readFileSync(file))
  t.true(packets.length > 3)
  t.true(packets.every(({ number, protocol }) => number === 1 && protocol === 6))
  const streams = [...streamsOf(packets).values()].map((bytes) => `${bytes}`)
  t.true(streams.some((text) => text.startsWith('GET / HTTP/1.1')))
  t.true(streams.some((text) => text.endsWith('again')))
})

test('a file that cannot be opened is an error before anything listens', async (t) => {
  const error = await t.throwsAsync(
    Midwire.start({
      modes: ['regular@0'],
      confdir: join(await place(t), '..'),
      options: { pcap_file: '/nonexistent/capture' },
    }),
    { code: 'ERR_OPTION' },
  )
  t.regex(error?.message ?? '', /^pcap_file: ENOENT/)
})

interface Disk {
  readonly capture: Capture
  readonly warnings: string[]
  readonly written: Buffer[]
  /** Ends the write that has begun. */
  answer(error?: Error): void
}

/** A capture on a disk that takes nothing behind the head of the file before it is told to. */
async function slowDisk(): Promise<Disk> {
  const warnings: string[] = []
  const written: Buffer[] = []
  let settle: ((error?: Error) => void) | undefined
  const capture = new Capture('file', (message) => warnings.push(message))
  await capture.begin(async () => ({
    appendFile: (data) =>
      new Promise((resolve, reject) => {
        if (settle) written.push(data as Buffer)
        else resolve()
        settle = (error) => (error ? reject(error) : resolve())
      }),
    close: async () => {},
  }))
  const answer = (error?: Error) => settle?.(error)
  return { capture, warnings, written, answer }
}

function talk(capture: Capture): PassThrough {
  const through = new PassThrough({ highWaterMark: 1 << 30 })
  const address = { address: '192.0.2.1', port: 1, family: 4 } as const
  const pipe = capture.client(new Pipe(through, { local: address, remote: address }), {
    ...client,
    remote: address,
    local: address,
  })
  pipe.receiver = { handleData() {}, handleEnd() {}, handleDrain() {}, handleClose() {} }
  return through
}

const turns = async (ready: () => boolean) => {
  while (!ready()) await new Promise(setImmediate)
}

test('a disk that is too slow drops packets, counts them, and says so once', async (t) => {
  const { capture, warnings, written, answer } = await slowDisk()
  const through = talk(capture)
  const piece = Buffer.alloc(8 * 1024 * 1024)
  for (let round = 0; round < 6; round += 1) {
    through.write(piece)
    await new Promise(setImmediate)
  }
  await turns(() => capture.dropped > 0)
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /^file: packets come faster/)
  answer()
  await turns(() => written.length > 1)
  t.true(Buffer.concat(written).length < 33 * 1024 * 1024)
  const closed = capture.close()
  const more = setInterval(() => answer(), 1)
  await closed
  clearInterval(more)
  t.true(readCapture(Buffer.concat(written)).packets.length > 20_000)
})

test('a full disk ends the capture with one line, and traffic goes on', async (t) => {
  const { capture, warnings, written, answer } = await slowDisk()
  const through = talk(capture)
  through.write(Buffer.alloc(2 * 1024 * 1024))
  await turns(() => written.length > 0)
  answer(new Error('ENOSPC: no space left on device'))
  await turns(() => warnings.length > 0)
  t.deepEqual(warnings, ['packets are no longer written to file (pcap_file): ENOSPC: no space left on device'])
  through.write(Buffer.alloc(2 * 1024 * 1024))
  capture.add(Buffer.from('line\n'))
  await capture.close()
  t.is(written.length, 1)
  t.is(warnings.length, 1)
})

test('secrets stand before the packets of their time, and are bounded', async (t) => {
  const { capture, warnings, written, answer } = await slowDisk()
  const through = talk(capture)
  through.write(Buffer.alloc(2 * 1024 * 1024))
  await turns(() => written.length > 0)
  capture.add(Buffer.from('late\n'))
  through.write('x')
  for (let round = 0; round < 1025; round += 1) capture.add(Buffer.alloc(1024, 'a'))
  t.is(warnings.length, 1)
  const closed = capture.close()
  answer()
  await turns(() => written.length > 1)
  answer()
  await closed
  const second = written[1] as Buffer
  t.is(second.readUInt32LE(0), 10)
  t.is(second.subarray(16, 21).toString(), 'late\n')
})

test('nothing stands before the head of the file', async (t) => {
  const written: Buffer[] = []
  const capture = new Capture('file', () => {})
  capture.add(Buffer.from('early\n'))
  await capture.begin(async () => ({
    appendFile: async (data) => void written.push(data as Buffer),
    close: async () => {},
  }))
  await capture.close()
  t.deepEqual(readCapture(Buffer.concat(written)).types, [0x0a0d0d0a, 1, 1, 10])
})
