// Devices in the tunnel: a code to scan for each, how it stands, one more in two clicks, and the steps for the certificate.
import { signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { attempt } from '../flows/actions.js'
import { type Answer, address, change, get, type Peer } from '../shell/api.js'
import { connection, followTopic, onMessage } from '../shell/connection.js'
import { ago, size } from '../shell/format.js'
import { notice } from '../shell/notices.js'

type Certificate = Answer<'getCertificate'>

const peers = signal<readonly Peer[]>([])
const certificate = signal<Certificate | undefined>(undefined)

export function DevicesPage() {
  const open = connection.value === 'open'
  useEffect(() => {
    if (!open) return
    void load()
    const ends = [
      followTopic('peers'),
      onMessage('peers', (message) => {
        peers.value = message.peers
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [open])
  return (
    <>
      <h1>Devices</h1>
      <AddDevice />
      {peers.value.length === 0 && (
        <p class="faint">
          No device is known. Add one: it scans the code with WireGuard, and what it says passes midwire.
        </p>
      )}
      <ul class="cards">
        {peers.value.map((peer) => (
          <Device key={peer.publicKey} peer={peer} />
        ))}
      </ul>
      {certificate.value && <Steps certificate={certificate.value} />}
    </>
  )
}

async function load(): Promise<void> {
  await Promise.allSettled([
    get<Answer<'listPeers'>>('/peers').then((answer) => {
      peers.value = answer.peers
    }),
    get<Certificate>('/certificate').then((answer) => {
      certificate.value = answer
    }),
  ])
}

function AddDevice() {
  const name = useSignal('')
  const next = `device-${peers.value.length + 1}`
  return (
    <form
      class="bar"
      onSubmit={(event) => {
        event.preventDefault()
        void attempt(async () => {
          const peer = await change<Answer<'addPeer'>>('POST', '/peers', { name: name.value || next })
          name.value = ''
          notice(`${peer.name} may join: scan its code`)
          await load()
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
      <button type="submit" class="main">
        Add a device
      </button>
    </form>
  )
}

function Device({ peer }: { peer: Peer }) {
  const shown = useSignal(false)
  const asked = useSignal(false)
  const { name, spec, addresses, traffic, trusts, hasConfig, endpoints } = peer
  const path = `/peers/${encodeURIComponent(name)}`
  return (
    <li>
      <h2>{name}</h2>
      <p class="faint">{addresses.join(', ')}</p>
      <p>
        {traffic?.handshakeAt === undefined ? 'Has not connected yet' : `Last handshake ${ago(traffic.handshakeAt)}`}
        {traffic && `, ${size(traffic.receivedBytes)} in, ${size(traffic.sentBytes)} out`}
      </p>
      <p class={trusts === false ? 'bad' : 'faint'}>
        {trusts === undefined
          ? 'Whether it trusts our certificate is not known yet'
          : trusts
            ? 'Trusts our certificate'
            : 'Does not trust our certificate yet: see the steps below'}
      </p>
      {shown.value && (
        <figure>
          <img
            class="code"
            src={address(`${path}/code`, { spec })}
            alt={`WireGuard configuration of ${name} as a QR code`}
          />
          <figcaption class="faint">Connects to {endpoints[0]}</figcaption>
        </figure>
      )}
      <div class="bar">
        {hasConfig && (
          <>
            <button
              type="button"
              aria-expanded={shown.value}
              onClick={() => {
                shown.value = !shown.value
              }}
            >
              QR code
            </button>
            <a href={address(`${path}/config`, { spec })} download={`${name}.conf`}>
              Configuration
            </a>
          </>
        )}
        <button
          type="button"
          class="quiet"
          onClick={() => {
            if (!asked.value) {
              asked.value = true
              return
            }
            void attempt(async () => {
              await change('DELETE', address(path, { spec }))
              await load()
            })
          }}
        >
          {asked.value ? 'Remove for good' : 'Remove'}
        </button>
      </div>
    </li>
  )
}

/** The kind of device that shows the page comes first. */
function isHere(device: string): boolean {
  const words = {
    Android: /android/i,
    iPhone: /iphone|ipad/i,
    'Mac OS': /macos/i,
    Windows: /windows/i,
    Linux: /linux/i,
  }
  const found = Object.entries(words).find(([agent]) => navigator.userAgent.includes(agent))
  return found?.[1].test(device) ?? false
}

function Steps({ certificate: { devices, page, fingerprint } }: { certificate: Certificate }) {
  const sorted = devices.toSorted((a, b) => Number(isHere(b.title)) - Number(isHere(a.title)))
  return (
    <section>
      <h2>Certificate</h2>
      <p>
        What a device sends over TLS can be read once it trusts our certificate.{' '}
        {page && (
          <>
            On the device, open <code>{page}</code>, or{' '}
          </>
        )}
        download it here:{' '}
        <a href={address('/certificate/file', { format: 'pem' })} download="midwire-ca-cert.pem">
          PEM
        </a>
        ,{' '}
        <a href={address('/certificate/file', { format: 'cer' })} download="midwire-ca-cert.cer">
          CER
        </a>
        .
      </p>
      <p class="faint">
        SHA-256 <code>{fingerprint}</code>
      </p>
      {sorted.map(({ device, title, steps, note }, at) => (
        <details key={device} open={at === 0}>
          <summary>{title}</summary>
          <ol>
            {steps.map((step) => (
              <li key={step.join('')}>{step.map(worded)}</li>
            ))}
          </ol>
          {note && <p class="faint">{note.map(worded)}</p>}
        </details>
      ))}
    </section>
  )
}

type Word = Certificate['devices'][number]['steps'][number][number]

const worded = (word: Word) => {
  if (typeof word === 'string') return word
  const [style, text] = word
  return style === 'code' ? <code key={text}>{text}</code> : <strong key={text}>{text}</strong>
}
