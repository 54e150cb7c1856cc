// `redact`: no byte of any file that midwire writes is part of what it names.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { readFlowFile, revive } from '../../src/index.js'
import { startProxy } from '../support/proxy.js'
import { folder } from '../support/store.js'
import { dial, listen } from '../support/talk.js'

const SECRET = 'hunter2-and-nothing-else'

/** Every file below a folder, by its path. */
function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

test('no byte of the store, a flow file or a HAR is a secret, whatever body it stood in', async (t) => {
  const home = folder(t)
  const written = join(home, 'written')
  mkdirSync(written)
  const confdir = join(home, 'conf')
  const running = await startProxy(t, {
    confdir,
    options: {
      ...{ redact: 'authorization, set-cookie, $..password, ?token', store_disk: '64m' },
      ...{ save_stream_file: join(written, 'flows'), hardump: join(written, 'flows.har') },
    },
  })
  const filler = 'x'.repeat(200_000)
  const bodies = [
    JSON.stringify({ password: SECRET, user: 'me' }),
    // One that is on disk at once, and one that has to be decoded to be looked at.
    JSON.stringify({ filler, password: SECRET }),
    gzipSync(JSON.stringify({ password: SECRET })),
  ]
  const server = await listen(t)
  for (const [number, body] of bodies.entries()) {
    const length = Buffer.byteLength(body)
    const coding = typeof body === 'string' ? '' : 'Content-Encoding: gzip\r\n'
    const fields = `Content-Type: application/json\r\n${coding}Content-Length: ${length}\r\nConnection: close\r\n\r\n`
    const message = (head: string) => Buffer.concat([Buffer.from(`${head}\r\n${fields}`), Buffer.from(body)])
    const client = await dial(t, running.port)
    const where = `http://127.0.0.1:${server.port}/${number}?token=${SECRET}`
    client.says(message(`POST ${where} HTTP/1.1\r\nHost: upstream.test\r\nAuthorization: Bearer ${SECRET}`))
    const talk = await server.talk(number)
    t.regex(await talk.hears('\r\n\r\n'), new RegExp(SECRET))
    talk.says(message(`HTTP/1.1 200 OK\r\nSet-Cookie: id=${SECRET}`))
    await running.flow('http', number)
  }
  await running.proxy.close()
  const files = [...filesIn(written), ...filesIn(confdir)]
  t.true(files.some((path) => path.includes('store')) && files.length > 3)
  t.deepEqual(
    files.filter((path) => readFileSync(path).includes(SECRET)),
    [],
  )
  for await (const record of readFlowFile(join(written, 'flows'))) {
    const flow = revive(record)
    for (const one of flow.type === 'http' ? [flow.request, flow.response] : []) {
      t.regex(one?.decodedContent.toString() ?? '', /REDACTED/)
      t.false(one?.decodedContent.includes(SECRET))
    }
  }
  for (const name of ['flows', 'flows.har']) t.true(readFileSync(join(written, name)).includes('REDACTED'), name)
})
