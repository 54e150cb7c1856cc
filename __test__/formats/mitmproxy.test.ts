// mitmproxy's flow file: what mitmproxy wrote is read, what is read comes out again, and what is broken is said with its place.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { MidwireError } from '../../src/errors.js'
import type { FlowRecord, HttpRecord } from '../../src/flow/record.js'
import { revive } from '../../src/flow/revive.js'
import { snapshot } from '../../src/flow/snapshot.js'
import { decodeFlows, MAX_FLOW } from '../../src/formats/flow-file.js'
import { writeMitmproxyFlow } from '../../src/formats/mitmproxy.js'
import { milliseconds, seconds } from '../../src/formats/times.js'
import { readTnet, type Tnet, writeTnet } from '../../src/formats/tnetstring.js'
import { chance, randomRecord } from '../support/random-records.js'

/** The flows of mitmproxy's own tests (`tflow.tflows()`), written by mitmproxy 12.3.1. */
const file = readFileSync(new URL('../../../__test__/formats/mitmproxy-12.flow', import.meta.url))

/** The bytes in pieces of that size. */
async function* pieces(bytes: Buffer, size = 64 * 1024): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** The flows of a file, and the error that ended them. */
async function read(bytes: Buffer, size?: number): Promise<{ flows: FlowRecord[]; error: MidwireError | undefined }> {
  const flows: FlowRecord[] = []
  try {
    for await (const flow of decodeFlows(pieces(bytes, size))) flows.push(flow)
  } catch (error) {
    if (!(error instanceof MidwireError)) throw error
    return { flows, error }
  }
  return { flows, error: undefined }
}

/** A record with its bodies in place of the functions that read them, without what is undefined. */
const plain = (record: unknown): unknown =>
  JSON.parse(
    JSON.stringify(record, (_, value) =>
      typeof value?.bytes === 'function' ? value.bytes().toString('latin1') : value,
    ),
  )

type State = Record<string, Record<string, Tnet>> & { [key: string]: Tnet }

/** The first flow of mitmproxy's, changed. */
function changed(change: (state: State) => void): Buffer {
  const end = file.indexOf(':') + 1 + Number(file.subarray(0, file.indexOf(':')).toString()) + 1
  const state = readTnet(file.subarray(0, end)) as State
  change(state)
  return writeTnet(state)
}

test("mitmproxy's flows of every type are read, whatever pieces their bytes come in", async (t) => {
  const { flows, error } = await read(file)
  t.is(error, undefined)
  t.deepEqual(
    flows.map(({ type }) => type),
    ['http', 'http', 'http', 'tcp', 'tcp', 'udp', 'udp', 'dns', 'dns', 'dns'],
  )
  const [http, failed, socket, tcp] = flows as [HttpRecord, HttpRecord, HttpRecord, FlowRecord]
  t.is(http.request.body.stored.bytes().toString(), 'content')
  t.deepEqual(http.response?.headers, ['header-response', 'svalue', 'content-length', '7'])
  t.is(http.request.startedAt, 946_681_200_000)
  t.is(failed.error?.message, 'error')
  t.is(socket.websocket?.messages[1]?.content.toString(), 'hello text')
  t.is(socket.websocket?.closeReason, 'Close Reason')
  t.deepEqual(tcp.type === 'tcp' && tcp.messages.map(({ timestamp }) => timestamp), [946_681_204_200, 946_681_204_500])
  for (const flow of flows) t.false(revive(flow).live)
  t.deepEqual(plain((await read(file, 1)).flows), plain(flows))
})

test('what mitmproxy wrote comes out again: all values are the same', async (t) => {
  const { flows } = await read(file)
  const states = (bytes: Buffer) => {
    const list = []
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(':', at) + 2 + Number(bytes.subarray(at, bytes.indexOf(':', at)).toString())
      list.push(JSON.parse(JSON.stringify(readTnet(bytes.subarray(at, end)))))
      at = end
    }
    return list
  }
  t.deepEqual(states(Buffer.concat(flows.map(writeMitmproxyFlow))), states(file))
})

test('any record comes out again as it went in, also by way of a flow that is revived', async (t) => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const record = randomRecord(chance(seed))
    const { flows, error } = await read(writeMitmproxyFlow(record))
    t.is(error, undefined)
    t.deepEqual(plain(flows[0]), plain(record), `seed ${seed}`)
    const again = writeMitmproxyFlow(snapshot(revive(flows[0] as FlowRecord)))
    t.deepEqual(plain((await read(again)).flows[0]), plain(record), `revived, seed ${seed}`)
  }
})

test('what a flow was before it was changed comes out again; broken or of another type it is left out, and the flow is read', async (t) => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const [record, backup] = [randomRecord(chance(seed)), randomRecord(chance(seed + 7000))]
    const { flows, error } = await read(writeMitmproxyFlow({ ...record, backup }))
    t.is(error, undefined)
    const kept = record.type === backup.type ? { backup: { ...backup, id: record.id } } : {}
    t.deepEqual(plain(flows[0]), plain({ ...record, ...kept }), `seed ${seed}`)
  }
  const record = randomRecord(chance(1))
  const innermost = writeMitmproxyFlow({ ...record, backup: { ...record, backup: record } })
  t.is((await read(innermost)).flows[0]?.backup?.backup, undefined)
  for (const wrong of [7, {}, [], { version: 21, type: 'http' }, { version: 99 }] as Tnet[]) {
    const { flows, error } = await read(changed((state) => Object.assign(state, { backup: wrong })))
    t.is(error, undefined)
    t.deepEqual(plain(flows), plain((await read(changed(() => {}))).flows))
  }
})

test('the backup of an older version is read as the flow is', async (t) => {
  const [old] = (
    await read(
      changed((state) => {
        const before = structuredClone(state) as State
        Object.assign(before.client_conn ?? {}, { tls_version: 'QUIC' })
        Object.assign(before.request ?? {}, { path: Buffer.from('/before') })
        Object.assign(state, { version: 20, backup: { ...before, version: 20 } })
      }),
    )
  ).flows
  const before = old?.backup as HttpRecord
  t.is(before.request.path, '/before')
  t.is(before.client.tls?.version, 'QUICv1')
})

test('what has no place in a record is kept in its notes, and goes back: ciphers, our certificate, odd versions', async (t) => {
  const bytes = changed((state) => {
    Object.assign(state.client_conn ?? {}, { cipher_list: ['A', 'B'], mitmcert: Buffer.from('PEM') })
    Object.assign(state.request ?? {}, {
      http_version: Buffer.from('HTTP/0.9'),
      scheme: Buffer.from('ftp'),
      content: null,
    })
    Object.assign(state.metadata ?? {}, { bytes: Buffer.from([0, 255]), large: 2n ** 70n })
  })
  const { flows } = await read(bytes)
  const state = readTnet(writeMitmproxyFlow(snapshot(revive(flows[0] as FlowRecord)))) as State
  t.deepEqual(state.client_conn?.cipher_list, ['A', 'B'])
  t.is(String(state.client_conn?.mitmcert), 'PEM')
  t.is(String(state.request?.http_version), 'HTTP/0.9')
  t.is(String(state.request?.scheme), 'ftp')
  t.is(state.request?.content, null)
  t.deepEqual(state.metadata?.bytes, Buffer.from([0, 255]))
  t.is(state.metadata?.large, String(2n ** 70n))
})

test('versions 18, 19 and 20 are read step by step', async (t) => {
  const old = (version: number) =>
    changed((state) => {
      Object.assign(state, { version })
      const { client_conn: client = {}, server_conn: server = {} } = state
      client.tls_version = 'QUIC'
      if (version < 20) for (const leg of [client, server]) leg.state = 3
      if (version >= 19) return
      const move = (leg: Record<string, Tnet>, from: string, to: string) => {
        leg[to] = leg[from] as Tnet
        delete leg[from]
      }
      move(client, 'peername', 'address')
      move(server, 'peername', 'ip_address')
      move(server, 'sockname', 'source_address')
      server.address = [Buffer.from('old.example'), 22]
      server.via2 = null
      server.sni = true
      for (const leg of [client, server]) {
        move(leg, 'cipher', 'cipher_name')
        delete leg.transport_protocol
        leg.tls_established = true
      }
      client.tls_extensions = []
      client.timestamp_start = null
    })
  for (const version of [20, 19, 18]) {
    const { flows, error } = await read(old(version))
    t.is(error, undefined)
    const [flow] = flows as [HttpRecord]
    t.is(flow.client.tls?.version, 'QUICv1')
    t.is(flow.client.tls?.cipher, 'cipher')
    t.is(flow.client.remote.address, '127.0.0.1')
    t.is(flow.server?.remote?.address, '192.168.0.1')
    t.is(flow.server?.host, version === 18 ? 'old.example' : 'address')
    t.is(flow.server?.tls?.sni, version === 18 ? 'old.example' : 'address')
    t.is(flow.client.openedAt, version === 18 ? 0 : 946_681_200_000)
  }
  for (const [version, said] of [
    [17, /^byte 0: the flow has format version 17: open and save the file with mitmproxy 12/],
    [22, /^byte 0: the flow has format version 22, and midwire reads up to 21/],
    [[0, 18], /very old/],
  ] as const) {
    t.regex((await read(changed((state) => Object.assign(state, { version })))).error?.message ?? '', said)
  }
})

test('a file that is broken ends in a sentence with the offset; the flows before it are kept', async (t) => {
  const first = file.indexOf(':') + 2 + Number(file.subarray(0, file.indexOf(':')).toString())
  const after = (bytes: string | Buffer) => Buffer.concat([file.subarray(0, first), Buffer.from(bytes as string)])
  for (const [bytes, said] of [
    [file.subarray(0, first + 100), /^byte \d+: the flow is cut short: 100 of \d+ bytes are there$/],
    [after('12'), /^byte \d+: the file is cut short$/],
    [after('hello'), /^byte \d+: neither a flow of mitmproxy begins here, nor a HAR$/],
    [after(`${MAX_FLOW + 1}:`), /is too long: 1073741824 at most$/],
    [after('4:true!'), /^byte \d+: it is no flow$/],
    [after('6:1:a,5;}'), /^byte \d+: /],
    [after(changed((state) => delete state.client_conn)), /client_conn is missing, not a dictionary$/],
    [
      after(changed((state) => Object.assign(state.request ?? {}, { port: 'x' }))),
      /request.port is a text, not a number$/,
    ],
    [after(changed((state) => Object.assign(state.response ?? {}, { status_code: 7 }))), /response.status_code is 7$/],
  ] as [Buffer, RegExp][]) {
    const { flows, error } = await read(bytes)
    t.is(flows.length, 1)
    t.is(error?.code, 'ERR_FLOW_FILE')
    t.regex(error?.message ?? '', said)
    const [, offset] = /^byte (\d+)/.exec(error?.message ?? '') ?? []
    t.true(Number(offset) >= first, error?.message)
  }
})

test('no bytes end in anything but a flow or a sentence', async (t) => {
  const { below } = chance(7)
  for (let round = 0; round < 2000; round += 1) {
    const bytes = Buffer.from(file.subarray(0, 3000))
    for (let changes = below(5); changes >= 0; changes -= 1) bytes[below(bytes.length)] = below(256)
    const { flows } = await read(bytes)
    for (const flow of flows) {
      const again = await read(writeMitmproxyFlow(snapshot(revive(flow))))
      t.is(again.flows.length, 1)
    }
  }
})

test('lists deep inside each other are refused', async (t) => {
  let bytes = Buffer.from('0:]')
  for (let depth = 0; depth < 10_000; depth += 1)
    bytes = Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(']')])
  const { error } = await read(bytes)
  t.regex(error?.message ?? '', /deep inside each other/)
})

test('times: whole milliseconds stay whole, and seconds come back', (t) => {
  t.is(milliseconds(1.005), 1005)
  t.is(milliseconds(946_681_204.2), 946_681_204_200)
  const { below } = chance(3)
  for (let round = 0; round < 10_000; round += 1) {
    const whole = 1_600_000_000_000 + below(3e11)
    t.is(milliseconds(seconds(whole)), whole)
    const odd = 1_600_000_000 + below(3e14) / 1e6
    // Two such seconds may be the same number of milliseconds.
    t.true(Math.abs(seconds(milliseconds(odd)) - odd) <= 2 ** -22)
  }
})
