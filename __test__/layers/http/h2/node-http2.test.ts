// Against node:http2 (nghttp2), both ways: its client with our server's session, its server with our client's, by seeds.
import { once } from 'node:events'
import http2 from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { Session } from '../../../../src/layers/http/h2/session.js'
import type { Stream } from '../../../../src/layers/http/h2/stream.js'
import { seeded } from '../../../support/seeded.js'
import { Recorder } from './recorder.js'

interface Message {
  headers: Record<string, string>
  body: Buffer
  trailers: Record<string, string> | undefined
}

const NAMES = [
  'accept',
  'user-agent',
  'x-a',
  'x-b',
  'x-long-name-of-a-field',
  'etag',
  'date',
  'authorization',
  'content-type',
  'referer',
]

function chance(seed: number) {
  const random = seeded(seed)
  const pick = (most: number) => Math.floor(random() * most)
  const text = (most: number) =>
    Array.from({ length: 1 + pick(most) }, () => String.fromCharCode(33 + pick(94))).join('')
  const list = (most: number) =>
    Object.fromEntries(
      Array.from({ length: pick(most) }, () => [NAMES[pick(NAMES.length)], text(pick(8) ? 40 : 3_000)]),
    )
  const message = (): Message => ({
    headers: list(8),
    body: Buffer.alloc([0, 1, 1_000, 70_000, 400_000][pick(5)] as number, text(50)),
    trailers: pick(3) === 0 ? { 'x-trailer': text(20) } : undefined,
  })
  return { pick, message }
}

/** Puts a session onto a socket. */
function attach(session: Session, socket: Socket): () => void {
  const flush = () => {
    while (session.hasOutput) socket.write(session.takeOutput() as Buffer)
  }
  socket.on('data', (data: Buffer) => {
    session.receive(data)
    flush()
  })
  socket.on('error', () => {})
  flush()
  return flush
}

const flat = (one: Record<string, string>) => Object.entries(one).flat()
/** Names and values without those that begin with a colon, and without what node adds by itself. */
function plain(fields: readonly string[] | http2.IncomingHttpHeaders): string[] {
  const pairs = Array.isArray(fields)
    ? fields.flatMap((name, at) => (at % 2 ? [] : [[name, fields[at + 1] as string]]))
    : Object.entries(fields).map(([name, value]) => [name, String(value)])
  return pairs
    .filter(([name]) => !name?.startsWith(':') && name !== 'date')
    .sort()
    .flat() as string[]
}
const expected = (one: Record<string, string>) => plain(flat(one))

/** What our recorder has got of a stream. */
function got(recorder: Recorder, id: number) {
  const of = (what: string) => recorder.events.find((event) => event[0] === what && event[1] === id)?.[2]
  const data = recorder.events.filter((event) => event[0] === 'data' && event[1] === id).map((event) => event[2])
  return {
    headers: plain(of('head') as string[]),
    body: data.join(''),
    trailers: of('trailers') as string[] | undefined,
  }
}

function sendBody(session: Session, stream: Stream, { body, trailers }: Message): void {
  session.sendData(stream, body, trailers === undefined)
  if (trailers) session.sendTrailers(stream, flat(trailers))
}

async function collect(stream: http2.Http2Stream) {
  const pieces: Buffer[] = []
  let trailers: Record<string, string> | undefined
  stream.on('data', (data: Buffer) => pieces.push(data))
  stream.on('trailers', (fields) => {
    trailers = Object.fromEntries(Object.entries(fields)) as Record<string, string>
  })
  stream.resume()
  await once(stream, 'end')
  return { body: Buffer.concat(pieces), trailers }
}

function sendNode(stream: http2.Http2Stream, { body, trailers }: Message): void {
  if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(body)
}

function same(t: ExecutionContext, recorder: Recorder, id: number, sent: Message) {
  const { headers, body, trailers } = got(recorder, id)
  t.deepEqual(headers, expected(sent.headers))
  t.true(body === sent.body.toString('latin1'))
  t.deepEqual(trailers, sent.trailers && flat(sent.trailers))
}

const WINDOWS = [1_000, 65_535, 1_000_000]

for (let seed = 1; seed <= 6; seed++) {
  test(`node's client, our server: seed ${seed}`, async (t) => {
    const { pick, message } = chance(seed)
    const answers = new Map<string, Message>()
    const recorders: Recorder[] = []
    const own = WINDOWS[pick(3)] as number
    const listener = createServer((socket) => {
      const recorder = new Recorder('server', {
        settings: [
          [1, [0, 4_096, 65_536][pick(3)] as number],
          [4, own],
        ],
        windowUpdate: pick(2) * 500_000,
      })
      recorders.push(recorder)
      recorder.onEnd = (stream) => {
        const head = recorder.events.find(([what, id]) => what === 'head' && id === stream.id)?.[2] as string[]
        const answer = answers.get(head[head.indexOf(':path') + 1] as string) as Message
        recorder.session.sendHead(stream, [':status', '200', ...flat(answer.headers)], false)
        sendBody(recorder.session, stream, answer)
      }
      attach(recorder.session, socket)
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const client = http2.connect(`http://127.0.0.1:${(listener.address() as AddressInfo).port}`, {
      settings: {
        initialWindowSize: WINDOWS[pick(3)] as number,
        headerTableSize: [0, 4_096, 65_536][pick(3)] as number,
      },
    })
    await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const [request, answer] = [message(), message()]
        answers.set(`/${at}`, answer)
        const stream = client.request(
          { ':method': 'POST', ':path': `/${at}`, ...request.headers },
          { waitForTrailers: request.trailers !== undefined, endStream: false },
        )
        sendNode(stream, request)
        const responded = once(stream, 'response')
        const collected = await collect(stream)
        const [headers] = await responded
        t.deepEqual(plain(headers), expected(answer.headers))
        t.true(collected.body.equals(answer.body))
        t.deepEqual(collected.trailers, answer.trailers)
        same(t, recorders[0] as Recorder, stream.id as number, request)
      }),
    )
    t.is(recorders[0]?.session.openStreams, 0)
    client.close()
    await once(client, 'close')
    listener.close()
    t.is(recorders[0]?.fatal, undefined)
  })

  test(`our client, node's server: seed ${seed}`, async (t) => {
    const { pick, message } = chance(100 + seed)
    const answers = new Map<string, Message>()
    const requests = new Map<string, Promise<unknown>>()
    const server = http2.createServer({
      settings: {
        initialWindowSize: WINDOWS[pick(3)] as number,
        headerTableSize: [0, 4_096, 65_536][pick(3)] as number,
      },
    })
    server.on('stream', (stream, headers) => {
      const answer = answers.get(headers[':path'] as string) as Message
      const received = collect(stream)
      requests.set(
        headers[':path'] as string,
        received.then((rest) => ({ headers: plain(headers), ...rest })),
      )
      void received.then(() => {
        stream.respond({ ':status': 200, ...answer.headers }, { waitForTrailers: answer.trailers !== undefined })
        sendNode(stream, answer)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    await once(socket, 'connect')
    const recorder = new Recorder('client', {
      settings: [
        [1, [0, 4_096, 65_536][pick(3)] as number],
        [4, WINDOWS[pick(3)] as number],
      ],
      windowUpdate: pick(2) * 500_000,
    })
    const flush = attach(recorder.session, socket)
    let left = 12
    const over = new Promise<void>((resolve) => {
      recorder.onEnd = () => {
        if (--left === 0) resolve()
      }
    })
    const sent = Array.from({ length: 12 }, (_, at) => {
      const [request, answer] = [message(), message()]
      answers.set(`/${at}`, answer)
      const fields = [
        ':method',
        'POST',
        ':scheme',
        'http',
        ':authority',
        'a.test',
        ':path',
        `/${at}`,
        ...flat(request.headers),
      ]
      const stream = recorder.session.open(fields, false) as Stream
      sendBody(recorder.session, stream, request)
      return { stream, request, answer, path: `/${at}` }
    })
    flush()
    await over
    for (const { stream, request, answer, path } of sent) {
      same(t, recorder, stream.id, answer)
      const received = (await requests.get(path)) as { headers: string[]; body: Buffer; trailers: unknown }
      t.deepEqual(received.headers, expected(request.headers))
      t.true(received.body.equals(request.body))
      t.deepEqual(received.trailers, request.trailers)
    }
    t.is(recorder.fatal, undefined)
    t.is(recorder.session.openStreams, 0)
    socket.destroy()
    server.close()
  })
}
