// The two legs of a flow: addresses, TLS with the chain of certificates and fingerprints, the client's device or process, the way out.
import type { ComponentChildren } from 'preact'
import type { Flow } from '../shell/api.js'
import { dateTime } from '../shell/format.js'

type Leg = Flow['client'] | NonNullable<Flow['server']>
type Tls = NonNullable<Leg['tls']>

const place = (one: { address: string; port: number; family: number } | undefined) =>
  one && (one.family === 6 ? `[${one.address}]:${one.port}` : `${one.address}:${one.port}`)

/** The proxies on the way. A proxy that plain HTTP was sent to is itself the server of the connection. */
function wayOut({ server, request }: Flow): string | undefined {
  if (!server || server.via) return server?.via?.join(' → ')
  if (!request || (server.host === request.host && server.port === request.port)) return undefined
  return `by ${server.host}:${server.port}`
}

export function Legs({ flow }: { flow: Flow }) {
  const { client, server } = flow
  const { process } = client
  return (
    <section class="legs" aria-label="Connections">
      <div>
        <h2>Client</h2>
        <Facts>
          <Fact name="From" value={place(client.remote)} />
          <Fact name="To" value={place(client.local)} />
          <Fact name="Mode" value={client.mode} />
          <Fact name="Device" value={client.peer && (client.peer.name ?? client.peer.publicKey)} />
          <Fact name="Process" value={process && `${process.path ?? process.commandLine} (${process.pid})`} />
          <Fact name="Command" value={process?.commandLine} />
          <Fact name="Container" value={process?.container} />
          <Fact name="HTTP/2 fingerprint" value={client.http2} />
          <Common leg={client} />
        </Facts>
        {client.tls && <Certificates tls={client.tls} />}
      </div>
      <div>
        <h2>Server</h2>
        {server ? (
          <>
            <Facts>
              <Fact name="Name" value={`${server.host}:${server.port}`} />
              <Fact name="Address" value={place(server.remote)} />
              <Fact name="From" value={place(server.local)} />
              <Fact name="Way out" value={wayOut(flow)} />
              <Common leg={server} />
            </Facts>
            {server.tls && <Certificates tls={server.tls} />}
          </>
        ) : (
          <p class="faint">No server was needed.</p>
        )}
      </div>
    </section>
  )
}

function Common({ leg: { tls, openedAt, closedAt, error } }: { leg: Leg }) {
  return (
    <>
      <Fact name="Opened" value={openedAt === undefined ? undefined : dateTime(openedAt)} />
      <Fact name="Closed" value={closedAt === undefined ? undefined : dateTime(closedAt)} />
      <Fact name="Error" value={error} />
      <Fact name="TLS" value={tls?.version} />
      <Fact name="Cipher" value={tls?.cipher} />
      <Fact name="Name asked for (SNI)" value={tls?.sni} />
      <Fact name="ALPN" value={tls?.alpn} />
      <Fact name="ALPN offered" value={tls?.alpnOffers?.join(', ')} />
      <Fact name="JA3" value={tls?.ja3} />
      <Fact name="JA4" value={tls?.ja4} />
    </>
  )
}

function Facts({ children }: { children: ComponentChildren }) {
  return (
    <table class="pairs">
      <tbody>{children}</tbody>
    </table>
  )
}

function Fact({ name, value }: { name: string; value: string | undefined }) {
  if (!value) return null
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{value}</td>
    </tr>
  )
}

/** The chain from the root that was sent down to the other end's own certificate, each within the one that has signed it. */
function Certificates({ tls: { certificates = [] } }: { tls: Tls }) {
  if (certificates.length === 0) return null
  const chain = certificates.reduce<ComponentChildren>(
    (below, one) => (
      <ul class="chain">
        <li>
          <Certificate one={one} />
          {below}
        </li>
      </ul>
    ),
    null,
  )
  return (
    <>
      <h3>Certificates</h3>
      {chain}
    </>
  )
}

function Certificate({ one }: { one: NonNullable<Tls['certificates']>[number] }) {
  return (
    <details>
      <summary>{one.subject || one.names[0]}</summary>
      <Facts>
        <Fact name="Issuer" value={one.issuer} />
        <Fact name="Names" value={one.names.join(', ')} />
        <Fact name="Valid" value={`${dateTime(one.validFrom)} to ${dateTime(one.validTo)}`} />
        <Fact name="Key" value={one.key} />
        <Fact name="Serial number" value={one.serialNumber} />
        <Fact name="SHA-256" value={one.fingerprint} />
        <Fact name="Error" value={one.error} />
      </Facts>
    </details>
  )
}
