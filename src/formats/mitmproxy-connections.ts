// The two legs of a flow as mitmproxy writes them: `client_conn` and `server_conn`.
import { bracketed } from '../addresses.js'
import type { Address, ClientConnection, Connection, ServerConnection, TlsState } from '../connection.js'
import { dict, list, maybe, present, type Shaped, shapedOrNone, tuple } from './shape.js'
import { milliseconds, seconds } from './times.js'
import type { Tnet, TnetDict } from './tnetstring.js'

const ADDRESS = tuple('text', 'number')

const LEG = {
  id: 'text',
  transport_protocol: 'text',
  error: maybe('text'),
  tls: 'boolean',
  certificate_list: list('bytes'),
  alpn: maybe('bytes'),
  alpn_offers: list('bytes'),
  cipher: maybe('text'),
  cipher_list: list('text'),
  tls_version: maybe('text'),
  sni: maybe('text'),
  timestamp_start: maybe('number'),
  timestamp_end: maybe('number'),
  timestamp_tls_setup: maybe('number'),
} as const

export const CLIENT = dict({
  ...LEG,
  peername: maybe(ADDRESS),
  sockname: maybe(ADDRESS),
  mitmcert: maybe('bytes'),
  proxy_mode: 'text',
})

export const SERVER = dict({
  ...LEG,
  peername: maybe(ADDRESS),
  sockname: maybe(ADDRESS),
  address: maybe(ADDRESS),
  timestamp_tcp_setup: maybe('number'),
  via: maybe(tuple('text', ADDRESS)),
})

type ClientState = Shaped<typeof CLIENT>
type ServerState = Shaped<typeof SERVER>

/** What midwire knows of a client and mitmproxy has no place for. */
const OWN_CLIENT = dict({
  mode: maybe('text'),
  explicit: maybe('boolean'),
  peer: maybe(dict({ publicKey: 'text', name: maybe('text') })),
  process: maybe(dict({ pid: 'number', path: maybe('text'), commandLine: 'text', container: maybe('text') })),
  http2: maybe(
    dict({
      settings: list(tuple('number', 'number')),
      windowUpdate: 'number',
      priorities: list(dict({ stream: 'number', exclusive: 'boolean', dependency: 'number', weight: 'number' })),
      pseudoOrder: 'text',
      fingerprint: 'text',
    }),
  ),
  ja3: maybe('text'),
  ja4: maybe('text'),
  dropped: maybe('number'),
  openedAt: maybe('number'),
})

const OWN_SERVER = dict({ via: maybe(list('text')), dropped: maybe('number') })

/** What mitmproxy knows of a leg and midwire has no place for; kept in the notes of the flow. */
const FOREIGN = dict({
  id: maybe('text'),
  tls: maybe('boolean'),
  cipher_list: maybe(list('text')),
  mitmcert: maybe('text'),
  timestamp_start: maybe('number'),
  sockname: maybe('any'),
})

export function readClient(
  state: ClientState,
  given: unknown,
  createdAt: number,
): { client: ClientConnection; foreign: Record<string, unknown> } {
  const own = shapedOrNone(given, OWN_CLIENT)
  const mode = own?.mode ?? state.proxy_mode
  const client: ClientConnection = {
    ...readLeg(state),
    remote: address(state.peername) ?? NOWHERE,
    local: address(state.sockname) ?? NOWHERE,
    mode,
    explicit: own?.explicit ?? /^(regular|upstream|socks5)/.test(mode),
    openedAt: own?.openedAt ?? time(state.timestamp_start) ?? createdAt,
    ...present({
      peer: own?.peer && { publicKey: own.peer.publicKey, ...present({ name: own.peer.name }) },
      process: own?.process && {
        ...own.process,
        path: own.process.path ?? undefined,
        container: own.process.container ?? undefined,
      },
      http2: own?.http2,
      dropped: own?.dropped,
    }),
  }
  if (client.tls && own) Object.assign(client.tls, present({ ja3: own.ja3, ja4: own.ja4 }))
  return { client, foreign: present({ ...foreignLeg(state, client), mitmcert: state.mitmcert?.toString('latin1') }) }
}

/** `server` is undefined where no server was wanted. */
export function readServer(
  state: ServerState,
  given: unknown,
  flow: string,
): { server: ServerConnection | undefined; foreign: Record<string, unknown> } {
  const where = state.address ?? state.peername
  if (!where) return { server: undefined, foreign: present({ id: state.id === idOf(flow) ? undefined : state.id }) }
  const own = shapedOrNone(given, OWN_SERVER)
  const [host, port] = where
  const openedAt = time(state.timestamp_tcp_setup)
  const server: ServerConnection = {
    ...readLeg(state),
    host,
    port,
    ...present({
      remote: address(state.peername),
      local: address(state.sockname),
      openedAt,
      via: own?.via ?? viaOf(state),
      dropped: own?.dropped,
    }),
  }
  const start = time(state.timestamp_start)
  const foreign = { ...foreignLeg(state, server), timestamp_start: start === openedAt ? undefined : start }
  return { server, foreign: present(foreign) }
}

type LegState = Omit<ClientState, 'proxy_mode' | 'mitmcert'> & { peername?: unknown }

function readLeg(state: LegState): Connection {
  const tls: TlsState = present({
    sni: state.sni,
    alpnOffers: state.alpn_offers.length > 0 ? state.alpn_offers.map(latin1) : undefined,
    alpn: state.alpn && latin1(state.alpn),
    version: state.tls_version,
    cipher: state.cipher,
    certificates: state.certificate_list.length > 0 ? state.certificate_list.map(der) : undefined,
    establishedAt: time(state.timestamp_tls_setup),
  })
  return {
    id: state.id,
    transport: state.transport_protocol === 'udp' ? 'udp' : 'tcp',
    ...present({
      error: state.error,
      closedAt: time(state.timestamp_end),
      tls: state.tls || Object.keys(tls).length > 0 ? tls : undefined,
    }),
  }
}

const foreignLeg = (state: LegState, { tls }: Connection): Record<string, unknown> => ({
  tls: state.tls === (tls !== undefined) ? undefined : state.tls,
  cipher_list: state.cipher_list.length > 0 ? state.cipher_list : undefined,
})

export function writeClient(
  client: ClientConnection,
  notes: unknown,
  createdAt: number,
): { state: TnetDict; own: TnetDict } {
  const foreign = shapedOrNone(notes, FOREIGN)
  const mode = modeOf(client.mode)
  const state = {
    ...writeLeg(client, foreign),
    peername: pair(client.remote),
    sockname: pair(client.local),
    timestamp_start: seconds(client.openedAt ?? createdAt),
    mitmcert: foreign?.mitmcert == null ? null : Buffer.from(foreign.mitmcert, 'latin1'),
    proxy_mode: mode,
  }
  const own = {
    mode: mode === client.mode ? undefined : client.mode,
    explicit: client.explicit === /^(regular|upstream|socks5)/.test(client.mode) ? undefined : client.explicit,
    peer: client.peer && present({ ...client.peer }),
    process: client.process && present({ ...client.process }),
    http2: client.http2 && { ...client.http2 },
    ja3: client.tls?.ja3,
    ja4: client.tls?.ja4,
    dropped: client.dropped,
  }
  return { state, own: present(own) as unknown as TnetDict }
}

export function writeServer(
  server: ServerConnection | undefined,
  notes: unknown,
  flow: string,
): { state: TnetDict; own: TnetDict } {
  const foreign = shapedOrNone(notes, FOREIGN)
  const leg = writeLeg(server ?? { id: foreign?.id ?? idOf(flow), transport: 'tcp' }, foreign)
  const [via, ...further] = server?.via ?? []
  const hop = further.length === 0 ? /^(https?):\/\/(?:[^@/]*@)?(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(via ?? '') : null
  const openedAt = server?.openedAt === undefined ? null : seconds(server.openedAt)
  const start = foreign?.timestamp_start
  const state = {
    ...leg,
    peername: server?.remote ? pair(server.remote) : null,
    sockname: server?.local ? pair(server.local) : null,
    address: server ? [server.host, server.port] : null,
    timestamp_start: start == null ? openedAt : seconds(start),
    timestamp_tcp_setup: openedAt,
    via: hop ? ([hop[1] ?? '', [hop[2] ?? hop[3] ?? '', Number(hop[4])]] as Via) : null,
  }
  const isPlain = hop && viaOf(state)?.[0] === via
  return {
    state,
    own: present({ via: isPlain ? undefined : server?.via?.slice(), dropped: server?.dropped }) as TnetDict,
  }
}

type Via = NonNullable<ServerState['via']>

const viaOf = ({ via }: { via?: Via | null | undefined }): string[] | undefined =>
  via ? [`${via[0]}://${bracketed(via[1][0])}:${via[1][1]}`] : undefined

/** The id of a server's leg that never was: mitmproxy has one in each flow. */
const idOf = (flow: string) => `${flow}-server`

/** The versions that mitmproxy knows; it refuses a flow with another. */
const VERSIONS = /^(SSLv3|TLSv1(\.[123])?|DTLSv(0\.9|1|1\.2)|QUICv1)$/

function writeLeg(leg: Connection, foreign: Shaped<typeof FOREIGN> | undefined) {
  const { tls } = leg
  const stamp = (time: number | undefined) => (time === undefined ? null : seconds(time))
  return {
    id: leg.id,
    transport_protocol: leg.transport,
    error: leg.error ?? null,
    tls: foreign?.tls ?? tls !== undefined,
    certificate_list: (tls?.certificates ?? []).map(pem),
    alpn: tls?.alpn === undefined ? null : Buffer.from(tls.alpn, 'latin1'),
    alpn_offers: (tls?.alpnOffers ?? []).map((one) => Buffer.from(one, 'latin1')),
    cipher: tls?.cipher ?? null,
    cipher_list: foreign?.cipher_list ?? [],
    tls_version: tls?.version !== undefined && VERSIONS.test(tls.version) ? tls.version : null,
    sni: tls?.sni ?? null,
    timestamp_end: stamp(leg.closedAt),
    timestamp_tls_setup: stamp(tls?.establishedAt),
  }
}

/** The modes of midwire's that mitmproxy reads: it refuses a flow of an unknown mode. The others become the nearest of its own. */
function modeOf(mode: string): string {
  const [, port] = /@(\d+)$/.exec(mode) ?? []
  const isListener = port === undefined || Number(port) <= MAX_PORT
  if (isListener && /^(regular|socks5|transparent|wireguard|dns)(@\d+)?$/.test(mode)) return mode
  if (isListener && /^(reverse|upstream):https?:\/\/[a-z0-9.-]+(:\d{1,4})?\/?(@\d+)?$/.test(mode)) return mode
  return /^(socks5|transparent|wireguard|dns)\b/.exec(mode)?.[0] ?? 'regular'
}

const MAX_PORT = 65_535

const NOWHERE: Address = { address: '', port: 0, family: 4 }

const pair = ({ address, port }: Address): Tnet => [address, port]
const latin1 = (bytes: Buffer) => bytes.toString('latin1')
const time = (stamp: number | null | undefined) => (stamp == null ? undefined : milliseconds(stamp))

function address(pair: [string, number] | null | undefined): Address | undefined {
  return pair ? { address: pair[0], port: pair[1], family: pair[0].includes(':') ? 6 : 4 } : undefined
}

/** The bytes of a certificate in PEM (RFC 7468). */
const der = (pem: Buffer) => Buffer.from(pem.toString('latin1').replace(/-----[^-]*-----/g, ''), 'base64')

function pem(der: Buffer): Buffer {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return Buffer.from(['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'))
}
