// The versions of mitmproxy's flow format: older ones are brought to the newest step by step, as mitmproxy does (io/compat.py).

/** The version that midwire writes: that of mitmproxy 11 and 12. */
export const FLOW_FORMAT = 21

/** The oldest version that is read: that of mitmproxy 9. */
const OLDEST = 18

type Dict = Record<string, unknown>

/** Each brings a flow of its version to the next. */
const STEPS: Readonly<Record<number, (flow: Dict) => void>> = {
  18: from18,
  19: from19,
  20: from20,
}

/** Brings a flow to FLOW_FORMAT, in place. Throws a TypeError for a version that is not read. */
export function migrate(flow: Dict): void {
  const { version } = flow
  if (typeof version !== 'number' || version < OLDEST) {
    const shown = typeof version === 'number' ? ` ${version}` : ', which is very old'
    throw new TypeError(
      `the flow has format version${shown}: open and save the file with mitmproxy 12, which midwire reads`,
    )
  }
  if (version > FLOW_FORMAT) {
    throw new TypeError(
      `the flow has format version ${version}, and midwire reads up to ${FLOW_FORMAT}: a newer midwire may read it`,
    )
  }
  for (let at = version; at < FLOW_FORMAT; at += 1) STEPS[at]?.(flow)
  flow.version = FLOW_FORMAT
}

const part = (flow: Dict, name: string): Dict => {
  const value = flow[name]
  return typeof value === 'object' && value !== null ? (value as Dict) : {}
}

/** Takes a key away, and gives its value; null for none. */
function pop(dict: Dict, key: string): unknown {
  const value = dict[key] ?? null
  delete dict[key]
  return value
}

/** mitmproxy 9 to 9.1: addresses have new names, and are texts. */
function from18(flow: Dict): void {
  const [client, server] = [part(flow, 'client_conn'), part(flow, 'server_conn')]
  client.peername = pop(client, 'address')
  client.timestamp_start ??= 0
  pop(client, 'tls_extensions')
  server.peername = pop(server, 'ip_address')
  server.sockname = pop(server, 'source_address')
  server.via = pop(server, 'via2')
  for (const leg of [client, server]) {
    pop(leg, 'tls_established')
    leg.cipher = pop(leg, 'cipher_name')
    leg.transport_protocol ??= 'tcp'
    for (const name of ['peername', 'sockname', 'address']) {
      const address = leg[name]
      if (Array.isArray(address) && address[0] instanceof Uint8Array) address[0] = Buffer.from(address[0]).toString()
    }
  }
  if (server.sni === true) server.sni = Array.isArray(server.address) ? server.address[0] : null
}

function from19(flow: Dict): void {
  for (const name of ['client_conn', 'server_conn']) pop(part(flow, name), 'state')
}

function from20(flow: Dict): void {
  for (const name of ['client_conn', 'server_conn']) {
    const leg = part(flow, name)
    if (leg.tls_version === 'QUIC') leg.tls_version = 'QUICv1'
  }
}
