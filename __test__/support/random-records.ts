// Records of flows made by chance, with whatever may stand in them.
import type { ClientConnection, ServerConnection } from '../../src/connection.js'
import { parseDns } from '../../src/flow/dns-message.js'
import type { FlowRecord, RequestRecord, ResponseRecord, WebSocketRecord } from '../../src/flow/record.js'
import { seeded } from './seeded.js'

export interface Chance {
  below(most: number): number
  pick<T>(...some: T[]): T
  bytes(most: number): Buffer
  maybe<T>(value: T): T | undefined
}

export function chance(seed: number): Chance {
  const next = seeded(seed)
  const below = (most: number) => Math.floor(next() * most)
  return {
    below,
    pick: <T>(...some: T[]) => some[below(some.length)] as T,
    bytes: (most) => Buffer.from(Array.from({ length: below(most) }, () => below(256))),
    maybe: (value) => (below(2) === 0 ? value : undefined),
  }
}

/** A record of each type by turns. Texts have characters beyond ASCII, and those that are special in the files. */
export function randomRecord(given: Chance): FlowRecord {
  const type = given.pick('http', 'http', 'tcp', 'udp', 'dns')
  const createdAt = 1_700_000_000_000 + given.below(1e9)
  const common = {
    version: 1,
    id: `id-${given.below(1e9)}`,
    client: clientOf(given, createdAt),
    server: given.maybe(serverOf(given, createdAt)),
    error: given.maybe({ message: given.pick('lost', 'größer', ''), timestamp: createdAt + given.below(9999) }),
    createdAt,
    endedAt: createdAt + given.below(9999),
    killed: given.pick(true, false),
    replayed: given.pick(undefined, 'request', 'response'),
    marked: given.pick('', ':star:'),
    comment: given.pick('', 'a comment, "quoted"\n'),
    metadata: given.pick({}, { note: { deep: [1, 2.5, null, true, 'ü'] }, __proto: 'x' }),
  } as const
  if (type === 'http') {
    const websocket = given.below(4) === 0 ? webSocketOf(given, createdAt) : undefined
    return {
      ...common,
      type,
      request: requestOf(given, createdAt),
      response: websocket || given.below(4) > 0 ? responseOf(given, createdAt) : undefined,
      upgrade: websocket ? 'websocket' : given.maybe('other'),
      websocket,
      messages: given.maybe({
        recorded: [
          {
            ...{ fromClient: false, kind: given.pick('sse', 'grpc', 'ndjson'), content: given.bytes(30) },
            ...{ timestamp: createdAt, dropped: given.pick(true, false) },
            ...{ event: given.maybe('tick'), id: given.maybe('7'), retry: given.maybe(50) },
          },
        ],
        ...{ fromClient: given.below(3), fromServer: given.below(9), truncated: given.pick(true, false) },
      }),
    }
  }
  if (type === 'dns') {
    const request = parseDns(Buffer.from('002a0130000100000000000003315c2e03636f6d0000010001', 'hex'))
    return { ...common, type, request, response: given.maybe({ ...request, response: true, raw: undefined }) }
  }
  const messages = Array.from({ length: given.below(5) }, () => ({
    ...{ fromClient: given.pick(true, false), content: given.bytes(50), timestamp: createdAt + given.below(999) },
  }))
  const truncated = given.pick(true, false)
  return {
    ...common,
    type,
    messages,
    bytesFromClient: given.below(9999),
    bytesFromServer: given.below(9999),
    truncated,
  }
}

function leg(given: Chance, createdAt: number) {
  const certificates = given.pick([CERTIFICATE], [CERTIFICATE, CERTIFICATE])
  const tls = given.maybe({
    ...{
      sni: given.maybe('example.org'),
      alpnOffers: given.maybe(['h2', 'http/1.1']),
      alpn: given.pick('', 'h2', undefined),
    },
    ...{ version: given.maybe('TLSv1.3'), cipher: given.maybe('TLS_AES_128_GCM_SHA256') },
    ...{ certificates: given.maybe(certificates), establishedAt: given.maybe(createdAt - 3.25) },
  })
  return {
    transport: given.pick('tcp' as const, 'udp' as const),
    ...(tls && { tls: defined(tls) }),
    ...defined({ closedAt: given.maybe(createdAt + 99), error: given.maybe('gone'), dropped: given.maybe(3) }),
  }
}

function clientOf(given: Chance, createdAt: number): ClientConnection {
  return {
    id: `c${given.below(99)}`,
    ...leg(given, createdAt),
    openedAt: createdAt - given.below(99),
    remote: { address: '2001:db8::1', port: 4242, family: 6 },
    local: { address: '192.0.2.1', port: 443, family: 4 },
    mode: given.pick(
      'regular',
      'wireguard',
      'socks5@1080',
      'reverse:https://example.org:8443',
      'regular@8080 via http://x:1',
      'transparent:tproxy',
    ),
    explicit: given.pick(true, false),
    ...defined({
      peer: given.maybe({ publicKey: 'k'.repeat(43), name: 'phone' }),
      process: given.maybe({ pid: 7, path: undefined, commandLine: 'curl -v', container: 'abc' }),
      http2: given.maybe({
        ...{ settings: [[1, 2] as const], windowUpdate: 7, pseudoOrder: 'm,a,s,p', fingerprint: '1:2|7|0|m,a,s,p' },
        priorities: [{ stream: 1, exclusive: true, dependency: 0, weight: 256 }],
      }),
    }),
  }
}

function serverOf(given: Chance, createdAt: number): ServerConnection {
  return {
    id: `s${given.below(99)}`,
    ...leg(given, createdAt),
    host: given.pick('example.org', '192.0.2.7', '::1'),
    port: 443,
    ...defined({
      remote: given.maybe({ address: '192.0.2.7', port: 443, family: 4 as const }),
      local: given.maybe({ address: '192.0.2.1', port: 50_000, family: 4 as const }),
      openedAt: given.maybe(createdAt - 5),
      via: given.pick(undefined, ['http://proxy:3128'], ['socks5://u@a:1', 'http://b:2']),
    }),
  }
}

function message(given: Chance, createdAt: number) {
  const stored = given.pick(Buffer.alloc(0), given.bytes(300), Buffer.from('{"größe": 1}\r\n'))
  return {
    version: given.pick('1.0' as const, '1.1' as const, '2.0' as const, '3.0' as const),
    headers: given.pick(
      [],
      ['Host', 'example.org', 'host', 'zwei', 'X-\xfc', ' \xff\t;"'],
      ['Set-Cookie', 'a=b', 'set-cookie', 'c=d; Secure'],
    ),
    trailers: given.pick(undefined, [], ['Checksum', 'x']),
    irregularities: given.pick([], ['the value of X-Note is folded over lines']),
    body: { length: stored.length + given.pick(0, 0, 1000), stored: { size: stored.length, bytes: () => stored } },
    startedAt: createdAt + given.below(99) + given.pick(0, 0.5, 0.123),
    endedAt: given.maybe(createdAt + 100 + given.below(99)),
  }
}

function requestOf(given: Chance, createdAt: number): RequestRecord {
  const common = message(given, createdAt)
  const isBinary = common.version === '2.0' || common.version === '3.0'
  const [scheme, host] = [given.pick('http' as const, 'https' as const), given.pick('example.org', '192.0.2.9', '::1')]
  return {
    ...common,
    method: given.pick('GET', 'POST', 'M-SEARCH'),
    path: given.pick('/', '/a?b=c&d=%20', '*', '/\xe4'),
    ...{ scheme, host, port: given.pick(80, 443, 8080) },
    absolute: isBinary ? undefined : given.pick(undefined, 'http://example.org:8000', 'HTTP://x'),
    authority: isBinary ? given.pick('', 'example.org') : undefined,
    protocol: isBinary ? given.maybe('websocket') : undefined,
    pseudoOrder: isBinary ? given.maybe([':method', ':path']) : undefined,
  }
}

const responseOf = (given: Chance, createdAt: number): ResponseRecord => ({
  ...message(given, createdAt),
  status: given.pick(101, 200, 404, 999),
  reason: given.pick('', 'OK', 'Nicht g\xfct'),
})

function webSocketOf(given: Chance, createdAt: number): WebSocketRecord {
  const messages = Array.from({ length: given.below(4) }, () => {
    const content = given.bytes(40)
    return {
      ...{ fromClient: given.pick(true, false), kind: given.pick('text' as const, 'binary' as const), content },
      length: content.length + given.pick(0, 10),
      timestamp: createdAt + given.below(50),
      ...{ injected: given.pick(true, false), dropped: given.pick(true, false) },
    }
  })
  return {
    messages,
    ...{
      messagesFromClient: 5,
      messagesFromServer: 6,
      bytesFromClient: 7,
      bytesFromServer: 8,
      injected: 1,
      truncated: true,
    },
    closedByClient: given.pick(true, false, undefined),
    closeCode: given.maybe(1000),
    closeReason: given.pick('', 'bye'),
    startedAt: createdAt + 1,
    endedAt: given.maybe(createdAt + 77),
  }
}

const defined = <T extends object>(object: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never

/** A certificate for example.org: mitmproxy reads no flow with bytes that are none. */
const CERTIFICATE = Buffer.from(
  [
    'MIIBgjCCASegAwIBAgIUfu1WlXe+qIEX67wkp7XVDMx5AsQwCgYIKoZIzj0EAwIwFjEUMBIGA1UEAwwLZXhhbXBsZS5vcmcwHhcN',
    'MjYxMjAyMDQyODQyWhcNMzYxMTI5MDQyODQyWjAWMRQwEgYDVQQDDAtleGFtcGxlLm9yZzBZMBMGByqGSM49AgEGCCqGSM49AwEH',
    'A0IABI3ybpSpawi3IUsHmjCzy9x7Ne6wIeMgVRH28mpPZ5ju8A83qoR6CEfmUmJBXmtvhos7yOb1HxOl2rb3RAkNZoqjUzBRMB0G',
    'A1UdDgQWBBTxcQ0Kcd2L1rA+kkUHroLaNdQL7DAfBgNVHSMEGDAWgBTxcQ0Kcd2L1rA+kkUHroLaNdQL7DAPBgNVHRMBAf8EBTAD',
    'AQH/MAoGCCqGSM49BAMCA0kAMEYCIQDFfMVgJbX8j1wPNrRlDXBNrXqMD39ptwHLhpya4KsDDAIhAMisoLPYHPnofgPI83Lpgjq6',
    'et/5Omh31OjW6QzjhW/5',
  ].join(''),
  'base64',
)
