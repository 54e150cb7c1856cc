// Devices in the tunnel: a code to scan for each, how it stands, one more in two clicks, and the steps for the certificate.
import { signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { attempt } from '../flows/actions.js'
import { type Answer, change, get, type Modes } from '../shell/api.js'
import { connection, followTopic, onMessage } from '../shell/connection.js'
import { notice } from '../shell/notices.js'
import { Device } from './device.js'
import { loadPeers, peers, tell } from './peers.js'
import { Steps } from './steps.js'
import { loadTrust, TrustSection } from './trust.js'

type Certificate = Answer<'getCertificate'>

const certificate = signal<Certificate | undefined>(undefined)
const tunnels = signal<readonly string[] | undefined>(undefined)
/** The device that was added here last: its code is shown at once. */
const added = signal('')

const modesAre = ({ modes }: Pick<Modes, 'modes'>) => {
  tunnels.value = modes.filter(({ name }) => name === 'wireguard').map(({ spec }) => spec)
}

export function DevicesPage() {
  const open = connection.value === 'open'
  useEffect(() => {
    if (!open) return
    void Promise.allSettled([
      loadPeers(),
      loadTrust(),
      get<Modes>('/modes').then(modesAre),
      get<Certificate>('/certificate').then((answer) => {
        certificate.value = answer
      }),
    ])
    const ends = [followTopic('peers'), followTopic('modes'), onMessage('modes', modesAre)]
    ends.push(
      onMessage('peers', (message) => {
        tell(message.peers)
        void loadTrust()
      }),
    )
    return () => {
      for (const end of ends) end()
    }
  }, [open])
  return (
    <>
      <h1>Devices</h1>
      {tunnels.value?.length === 0 ? <NoTunnel /> : <AddDevice />}
      {peers.value.length === 0 && tunnels.value !== undefined && tunnels.value.length > 0 && (
        <p class="faint">
          No device is known. Add one: it scans the code with WireGuard, and what it says passes midwire.
        </p>
      )}
      <ul class="cards devices">
        {peers.value.map((peer) => (
          <Device key={`${peer.spec} ${peer.publicKey}`} peer={peer} isNew={added.value === peer.publicKey} />
        ))}
      </ul>
      {certificate.value && <Steps certificate={certificate.value} />}
      <TrustSection />
    </>
  )
}

function NoTunnel() {
  return (
    <div class="empty">
      <h2>No WireGuard mode runs</h2>
      <p>A phone or another device joins by WireGuard: it scans a code, and all that it says passes midwire.</p>
      <p>
        <button
          type="button"
          class="main"
          onClick={() => void attempt(() => change('POST', '/modes', { spec: 'wireguard' }))}
        >
          Switch WireGuard on
        </button>
      </p>
    </div>
  )
}

function AddDevice() {
  const name = useSignal('')
  const key = useSignal('')
  const tunnel = useSignal('')
  const known = new Set(peers.value.map((peer) => peer.name))
  let number = peers.value.length + 1
  while (known.has(`device-${number}`)) number += 1
  const next = `device-${number}`
  const all = tunnels.value ?? []
  return (
    <form
      class="bar add"
      aria-label="One more device"
      onSubmit={(event) => {
        event.preventDefault()
        void attempt(async () => {
          const body = {
            name: name.value.trim() || next,
            ...(key.value.trim() && { publicKey: key.value.trim() }),
            ...(tunnel.value && { spec: tunnel.value }),
          }
          const peer = await change<Answer<'addPeer'>>('POST', '/peers', body)
          name.value = ''
          key.value = ''
          added.value = peer.publicKey
          notice(peer.hasConfig ? `${peer.name} may join: scan its code` : `${peer.name} may join`)
          await loadPeers()
        })
      }}
    >
      <input
        aria-label="Name of the device"
        placeholder={next}
        value={name.value}
        onInput={(event) => {
          name.value = event.currentTarget.value
        }}
      />
      {all.length > 1 && (
        <select
          aria-label="Tunnel"
          value={tunnel.value}
          onChange={(event) => {
            tunnel.value = event.currentTarget.value
          }}
        >
          {all.map((spec) => (
            <option key={spec}>{spec}</option>
          ))}
        </select>
      )}
      <button type="submit" class="main">
        Add a device
      </button>
      <details>
        <summary>Its public key, where it keeps the private one</summary>
        <input
          aria-label="Public key of the device"
          placeholder="its public key, 44 characters"
          spellcheck={false}
          value={key.value}
          onInput={(event) => {
            key.value = event.currentTarget.value
          }}
        />
      </details>
    </form>
  )
}
