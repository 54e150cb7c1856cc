// A client of a tunnel: the WireGuard server of this project, told to dial.
import {
  type Datagram,
  startWireGuardServer,
  type WireGuardServer,
  type WireGuardServerOptions,
} from '../../src/index.js'

/** A client that was given the text of a peer. Its streams are half-open where the other side has ended. */
export function clientOf(
  config: string | undefined,
  onDatagram: (text: string, datagram: Datagram) => void = () => {},
  more: Partial<WireGuardServerOptions> = {},
): Promise<WireGuardServer> {
  const field = (name: string) => new RegExp(`^${name} = (.*)$`, 'm').exec(config ?? '')?.[1] ?? ''
  return startWireGuardServer({
    host: '127.0.0.1',
    port: 0,
    privateKey: field('PrivateKey'),
    addresses: field('Address').replace(/\/\d+/g, '').split(', '),
    allowHalfOpen: true,
    peers: [
      {
        publicKey: field('PublicKey'),
        endpoint: field('Endpoint'),
        allowedIps: field('AllowedIPs').split(', '),
        ...(field('PresharedKey') && { presharedKey: field('PresharedKey') }),
      },
    ],
    onDatagram: (datagram) => onDatagram(`${datagram.data}`, datagram),
    ...more,
  })
}
