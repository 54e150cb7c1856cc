// The secrets of both legs in a file, as Wireshark wants them.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { KeyLog } from '../../src/proxy/key-log.js'
import { startProxy, tlsServer, tlsTunnel } from '../support/proxy.js'

function place(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'midwire-keys-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'keys.log')
}

const LINE =
  /^(CLIENT_RANDOM|[A-Z]+_(?:HANDSHAKE_)?TRAFFIC_SECRET(?:_0)?|[A-Z]+_SECRET) ([0-9a-f]{64}) [0-9a-f]{64,96}$/

test.serial('both legs are written, behind what the file has, for their owner alone', async (t) => {
  const path = place(t)
  const server = await tlsServer(t)
  process.env.MIDWIRE_SSLKEYLOGFILE = path
  process.env.SSLKEYLOGFILE = `${path}.other`
  const running = await startProxy(t)
  delete process.env.MIDWIRE_SSLKEYLOGFILE
  delete process.env.SSLKEYLOGFILE
  const heard: string[] = []
  const { socket } = await tlsTunnel(t, running, server)
  await tlsTunnel(t, running, server, { maxVersion: 'TLSv1.2' }).then((talk) => talk.socket.destroy())
  socket.destroy()
  await running.proxy.close()
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  for (const line of lines) t.regex(line, LINE)
  for (const line of lines) heard.push(LINE.exec(line)?.[2] ?? '')
  // Two connections of the client, and one or two with the server.
  t.true(new Set(heard).size >= 3, `${new Set(heard).size}`)
  t.true(lines.some((line) => line.startsWith('CLIENT_RANDOM ')))
  t.is(statSync(path).mode & 0o777, 0o600)
  t.throws(() => statSync(`${path}.other`))
})

test.serial('a file that cannot be opened is one warning, and traffic passes', async (t) => {
  process.env.SSLKEYLOGFILE = join(place(t), 'missing', 'keys')
  const running = await startProxy(t)
  delete process.env.SSLKEYLOGFILE
  await running.logged(/^TLS secrets are not written to .*keys \(SSLKEYLOGFILE\): ENOENT/)
  const server = await tlsServer(t)
  for (const _ of [1, 2]) await tlsTunnel(t, running, server)
  t.is(running.log.filter(({ level }) => level === 'warn').length, 1)
})

test('what the file has stays; lines beyond the bound are dropped, and said once', async (t) => {
  const path = place(t)
  writeFileSync(path, 'before\n')
  const warned: string[] = []
  const log = new KeyLog(path, (message) => warned.push(message))
  const line = Buffer.from(`${'x'.repeat(1023)}\n`)
  for (let n = 0; n < 1_030; n++) log.add(line)
  t.is(log.dropped, 6)
  t.is(warned.length, 1)
  await log.close()
  t.is(statSync(path).size, 7 + 1024 * 1024)
  t.true(readFileSync(path, 'utf8').startsWith('before\n'))
  log.add(line)
  t.is(
    KeyLog.ofEnvironment(() => {}, {}),
    undefined,
  )
})
