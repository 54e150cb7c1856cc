// One device: how it stands, its traffic, its code to scan, its text, and its removal.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { attempt, copy } from '../flows/actions.js'
import { address, change, getText, type Peer } from '../shell/api.js'
import { useNow } from '../shell/clock.js'
import { quoted } from '../shell/command-line.js'
import { ago, size } from '../shell/format.js'
import { notice } from '../shell/notices.js'
import { loadPeers, rates } from './peers.js'
import { Traffic } from './traffic.js'

/** WireGuard makes new keys after two minutes, and gives a session up after three (its paper, 6.1). */
const ALIVE_MILLISECONDS = 180_000

const TRUST = {
  unknown: ['Whether it trusts our certificate shows with its first HTTPS', 'faint'],
  yes: ['Trusts our certificate', 'good'],
  no: ['Does not trust our certificate yet', 'bad'],
} as const

export function Device({ peer, isNew }: { peer: Peer; isNew: boolean }) {
  const now = useNow()
  const shown = useSignal<'code' | 'text' | undefined>(isNew ? 'code' : undefined)
  const text = useSignal('')
  const { name, spec, publicKey, addresses, traffic, trusts, hasConfig, endpoints } = peer
  const path = `/peers/${encodeURIComponent(name)}`
  const { handshakeAt } = traffic ?? {}
  const isHere = handshakeAt !== undefined && now - handshakeAt < ALIVE_MILLISECONDS
  const [said, kind] = TRUST[trusts === undefined ? 'unknown' : trusts ? 'yes' : 'no']
  const card = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (isNew) card.current?.scrollIntoView({ block: 'nearest' })
  }, [isNew])
  const toggle = (what: 'code' | 'text') => {
    shown.value = shown.value === what ? undefined : what
    if (what !== 'text' || text.value !== '') return
    void attempt(async () => {
      text.value = await getText(`${path}/config`, { spec })
    })
  }
  return (
    <li ref={card} aria-label={`Device ${name}`}>
      <div class="title">
        <h2>{name}</h2>
        <span class="state" data-on={isHere}>
          {isHere ? 'connected' : handshakeAt === undefined ? 'not seen yet' : 'away'}
        </span>
      </div>
      <p class="faint">{addresses.map((one) => one.replace(/\/(32|128)$/, '')).join(', ')}</p>
      <p>
        {handshakeAt === undefined ? 'No handshake yet' : `Last handshake ${ago(handshakeAt, now)}`}
        {traffic?.endpoint && <span class="faint"> from {traffic.endpoint}</span>}
      </p>
      <Traffic rates={rates(publicKey, now)} />
      <p class="faint">
        {size(traffic?.receivedBytes ?? 0)} received, {size(traffic?.sentBytes ?? 0)} sent
        {traffic !== undefined && traffic.dropped > 0 && `, ${traffic.dropped} packets dropped`}
      </p>
      <p class={kind}>
        {said}
        {trusts === false && (
          <>
            :{' '}
            <button
              type="button"
              class="link"
              onClick={() => document.getElementById('certificate')?.scrollIntoView({ behavior: 'smooth' })}
            >
              the steps
            </button>
          </>
        )}
      </p>
      {shown.value === 'code' && (
        <figure>
          <img
            class="code"
            width="260"
            height="260"
            src={address(`${path}/code`, { spec })}
            alt={`WireGuard configuration of ${name} as a QR code`}
          />
          <figcaption class="faint">Scan it with the WireGuard app. It connects to {endpoints[0]}.</figcaption>
        </figure>
      )}
      {shown.value === 'text' && (
        <figure>
          <pre tabIndex={0}>{text.value}</pre>
          <figcaption class="bar">
            <button type="button" class="quiet" onClick={() => void copy(text.value, 'Configuration')}>
              Copy
            </button>
            <span class="faint">It has the private key of the device.</span>
          </figcaption>
        </figure>
      )}
      <div class="bar">
        {hasConfig ? (
          <>
            <button type="button" aria-expanded={shown.value === 'code'} onClick={() => toggle('code')}>
              QR code
            </button>
            <button type="button" aria-expanded={shown.value === 'text'} onClick={() => toggle('text')}>
              Text
            </button>
            <a class="button" href={address(`${path}/config`, { spec })} download={`${name}.conf`}>
              Download
            </a>
          </>
        ) : (
          <span class="faint">It keeps its private key to itself.</span>
        )}
        <button type="button" class="quiet" onClick={() => void copy(commandOf(peer), 'Command line')}>
          Copy as command line
        </button>
        <Remove
          name={name}
          onRemove={() =>
            void attempt(async () => {
              await change('DELETE', `/peers/${encodeURIComponent(name)}?spec=${encodeURIComponent(spec)}`)
              notice(`${name} is shut out`)
              await loadPeers()
            })
          }
        />
      </div>
    </li>
  )
}

/** The command adds a device whose keys midwire makes, or one with a public key. */
const commandOf = ({ name, publicKey, hasConfig, spec }: Peer) =>
  [
    `midwire wg add ${quoted(name)}`,
    ...(spec === 'wireguard' ? [] : [`-m ${quoted(spec)}`]),
    ...(hasConfig ? [] : [`--public-key ${quoted(publicKey)}`]),
  ].join(' ')

/** A device is gone for good, so that it takes two clicks. */
function Remove({ name, onRemove }: { name: string; onRemove: () => void }) {
  const asked = useSignal(false)
  return (
    <button
      type="button"
      class={`quiet ${asked.value ? 'bad' : ''}`}
      aria-label={asked.value ? `Remove ${name} for good` : `Remove ${name}`}
      onBlur={() => {
        asked.value = false
      }}
      onClick={() => {
        if (asked.value) onRemove()
        else asked.value = true
      }}
    >
      {asked.value ? 'Remove for good' : 'Remove'}
    </button>
  )
}
