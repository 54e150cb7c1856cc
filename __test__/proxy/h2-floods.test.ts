// Floods of HTTP/2 against a running proxy: each ends its connection and no other, a second client is answered meanwhile, and memory stays.
import { connect as connectHttp2, createServer } from 'node:http2'
import { connect } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import {
  MAX_CHATTER,
  MAX_CONTINUATIONS,
  MAX_EMPTY_DATA,
  MAX_RESETS,
  MAX_SETTINGS_FRAMES,
} from '../../src/layers/http/h2/floods.js'
import { PREFACE } from '../../src/layers/http/h2/frames.js'
import { block, frame, frames, head, number, settings } from '../layers/http/h2/wire.js'
import { startProxy } from '../support/proxy.js'
import { bind } from '../support/talk.js'

const MOST_MEMORY = 64 * 1024 * 1024
const GET = [':method', 'GET', ':scheme', 'http', ':authority', 'a.test', ':path', '/']
const POST = [':method', 'POST', ...GET.slice(2)]
const begin = Buffer.concat([PREFACE, settings()])
const ids = (count: number, of: (id: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, at) => of(2 * at + 1)))
const times = (count: number, one: Buffer) => Buffer.concat(Array.from({ length: count }, () => one))
const rst = (id: number, code = 8) => frame(3, 0, id, number(code))
const more = (count: number) => count + 200

/** A field of 4,000 bytes that goes into HPACK's table, and a block that names it `count` times. */
const bomb = (count: number) =>
  Buffer.concat([
    block(GET),
    Buffer.from([0x40, 1, 120, 127, 0xa1, 0x1e]),
    Buffer.alloc(4000, 97),
    Buffer.alloc(count, 0xbe),
  ])

/** What a client says behind the preface; again and again until the connection ends. */
const FLOODS: [what: string, bytes: Buffer][] = [
  ['rapid reset', ids(more(MAX_RESETS), (id) => Buffer.concat([head(id, true, GET), rst(id)]))],
  [
    'streams that the proxy is made to reset (MadeYouReset)',
    ids(more(MAX_RESETS), (id) => Buffer.concat([head(id, false, POST), frame(8, 0, id, number(0))])),
  ],
  [
    'CONTINUATION without an end',
    Buffer.concat([frame(1, 1, 1, block(GET)), times(more(MAX_CONTINUATIONS), frame(9, 0, 1, 'x'.repeat(10)))]),
  ],
  [
    'CONTINUATION frames that are empty',
    Buffer.concat([frame(1, 1, 1), times(more(MAX_CONTINUATIONS), frame(9, 0, 1))]),
  ],
  ['an HPACK bomb in each of many heads', ids(more(MAX_RESETS), (id) => frame(1, 5, id, bomb(10_000)))],
  ['SETTINGS', times(more(MAX_SETTINGS_FRAMES), settings([4, 65_535]))],
  ['PING', times(more(MAX_CHATTER), frame(6, 0, 0, Buffer.alloc(8)))],
  ['empty DATA', Buffer.concat([head(1, false, POST), times(more(MAX_EMPTY_DATA), frame(0, 0, 1))])],
  ['PRIORITY', ids(more(MAX_CHATTER), (id) => frame(2, 0, id, Buffer.alloc(5)))],
  ['WINDOW_UPDATE', times(more(MAX_CHATTER), frame(8, 0, 0, number(1)))],
  ['a window of the connection that overflows', times(2, frame(8, 0, 0, number(0x7fff_ffff)))],
  ['unknown frames', times(more(MAX_CHATTER), frame(0x70, 0, 0, 'x'))],
  ['malformed heads', ids(more(MAX_RESETS), (id) => head(id, true, [':method', 'GET']))],
  ['more streams than are allowed', ids(more(MAX_RESETS) + 100, (id) => head(id, false, POST))],
  ['RST_STREAM of closed streams', Buffer.concat([head(1, true, GET), times(more(MAX_CHATTER), rst(1))])],
]

async function start(t: ExecutionContext) {
  const server = createServer({ maxSessionMemory: 1_000 }, (request, response) => {
    request.on('error', () => {})
    response.on('error', () => {})
    request.resume().on('end', () => response.end(request.url === '/large' ? Buffer.alloc(1 << 20) : 'hello'))
  })
  server.on('session', (session) => session.on('error', () => {}))
  const port = await bind(t, server as never)
  return startProxy(t, { modes: [`reverse:http://127.0.0.1:${port}@0`] })
}

/** A second client: the answer to one request. */
async function answered(t: ExecutionContext, port: number): Promise<string> {
  const client = connectHttp2(`http://127.0.0.1:${port}`)
  t.teardown(() => client.destroy())
  const stream = client.request({ ':path': '/' })
  let text = ''
  for await (const data of stream.setEncoding('utf8')) text += data
  client.close()
  return text
}

/** The GOAWAY of the proxy, and whether it has closed. */
async function flood(port: number, bytes: Buffer): Promise<{ goaway: number | undefined; closed: boolean }> {
  const socket = connect(port, '127.0.0.1')
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.on('error', () => {})
  const heard: Buffer[] = []
  socket.on('data', (data) => heard.push(data))
  socket.write(Buffer.concat([begin, bytes]))
  await closed
  const goaway = frames(Buffer.concat(heard)).find(({ type }) => type === 7)
  return { goaway: goaway?.payload.readUInt32BE(4), closed: socket.closed }
}

for (const [what, bytes] of FLOODS) {
  test.serial(`flood: ${what}`, async (t) => {
    const running = await start(t)
    t.is(await answered(t, running.port), 'hello')
    const before = process.memoryUsage().rss
    const [{ goaway, closed }, text] = await Promise.all([flood(running.port, bytes), answered(t, running.port)])
    t.true(closed)
    t.is(text, 'hello')
    // A socket that is closed under the flood may lose the GOAWAY.
    t.true(goaway === undefined || goaway > 0, String(goaway))
    t.true(process.memoryUsage().rss - before < MOST_MEMORY)
    t.is(await answered(t, running.port), 'hello')
    t.deepEqual(
      running.log.filter(({ level }) => level === 'error'),
      [],
    )
  })
}

test.serial('a client that asks for much and takes nothing costs little, and holds up nobody', async (t) => {
  const running = await start(t)
  t.is(await answered(t, running.port), 'hello')
  const large = [...GET.slice(0, -1), '/large']
  const before = process.memoryUsage().rss
  const socket = connect(running.port, '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  // A window of 0 for each of 100 streams, whose answers have 1 MiB.
  socket.write(Buffer.concat([PREFACE, settings([4, 0]), ids(100, (id) => head(id, true, large))]))
  const heads: number[] = []
  let rest: Buffer = Buffer.alloc(0)
  await new Promise<void>((resolve) => {
    socket.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      for (
        ;
        rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3);
        rest = rest.subarray(9 + rest.readUIntBE(0, 3))
      ) {
        if (rest[3] === 1) heads.push(rest.readUInt32BE(5))
      }
      if (heads.length === 100) resolve()
    })
  })
  t.is(await answered(t, running.port), 'hello')
  const grown = process.memoryUsage().rss - before
  t.log(`${(grown / 1024 / 1024).toFixed(1)} MiB`)
  t.true(grown < MOST_MEMORY, String(grown))
})
