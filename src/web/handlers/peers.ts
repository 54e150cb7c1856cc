// The devices in tunnels: listed, let in, shut out, their configurations as text and as a QR code; and who trusts our certificate.
import { renderSVG } from 'uqr'
import type { PeerInfo } from '../../index.js'
import type { proxy } from '../api/tables/proxy.js'
import type { Handlers, Surroundings } from '../server/call.js'
import { conflict, notFound } from '../server/failure.js'
import { peerJson, peersJson } from '../shape/proxy.js'

type Table = Pick<
  typeof proxy,
  'listPeers' | 'addPeer' | 'removePeer' | 'getPeerConfig' | 'getPeerCode' | 'listTrust' | 'clearPassedThrough'
>

/** Modules of margin on each side (ISO/IEC 18004, 9.1). */
const QUIET_ZONE = 4

export const peerHandlers: Handlers<Table> = {
  listPeers: ({ proxy }) => ({ peers: peersJson(proxy) }),
  async addPeer({ proxy, body: { name, publicKey, spec } }) {
    return peerJson(await proxy.addPeer(name, { ...(publicKey && { publicKey }), ...(spec && { spec }) }))
  },
  async removePeer(call) {
    const { name, spec } = peerOf(call)
    await call.proxy.removePeer(name, { spec })
    return undefined
  },
  getPeerConfig(call) {
    const peer = peerOf(call)
    return { type: 'text/plain; charset=utf-8', content: configOf(peer), name: `${peer.name}.conf` }
  },
  getPeerCode: (call) => ({
    type: 'image/svg+xml',
    content: renderSVG(configOf(peerOf(call)), { border: QUIET_ZONE }),
  }),
  listTrust({ proxy }) {
    const clients = proxy.trust.map((one) => ({ ...one }))
    return { clients, passedThrough: proxy.passedThrough.map((one) => ({ ...one })) }
  },
  clearPassedThrough({ proxy }) {
    proxy.clearPassedThrough()
    return undefined
  },
}

/** Throws an ApiError, 404. */
function peerOf({
  proxy,
  input,
}: Surroundings & { readonly input: { name: string; spec?: string | undefined } }): PeerInfo {
  const { name, spec } = input
  const peer = proxy.peers.find((one) => one.name === name && (spec === undefined || one.spec === spec))
  if (!peer) throw notFound(`peer ${name}`)
  return peer
}

function configOf({ config }: PeerInfo): string {
  if (config === undefined)
    throw conflict('the device keeps its private key to itself, so midwire has no configuration for it')
  return config
}
