// The devices as they are now, and how fast their traffic was in the last minute.
import { signal } from '@preact/signals'
import { type Answer, get, type Peer } from '../shell/api.js'

export const peers = signal<readonly Peer[]>([])

interface Sample {
  readonly at: number
  /** Bytes so far. */
  readonly received: number
  readonly sent: number
}

/** Milliseconds for which samples of a device's traffic are kept. */
const KEPT_MILLISECONDS = 60_000
const samples = new Map<string, readonly Sample[]>()

/** They come every second while something of them changes. */
export function tell(next: readonly Peer[], at = Date.now()): void {
  for (const { publicKey, traffic } of next) {
    if (!traffic) continue
    const before = samples.get(publicKey) ?? []
    const sample = { at, received: traffic.receivedBytes, sent: traffic.sentBytes }
    samples.set(publicKey, [...before.filter((one) => one.at > at - KEPT_MILLISECONDS), sample])
  }
  peers.value = next
}

export const loadPeers = () => get<Answer<'listPeers'>>('/peers').then((answer) => tell(answer.peers))

export interface Rate {
  /** Bytes a second. */
  readonly received: number
  readonly sent: number
}

const SLOTS = 30
const SLOT_MILLISECONDS = KEPT_MILLISECONDS / SLOTS

/** The rates of the last minute, the oldest first. */
export function rates(publicKey: string, now: number): Rate[] {
  const all = samples.get(publicKey) ?? []
  const slots = Array.from({ length: SLOTS }, () => ({ received: 0, sent: 0 }))
  for (const [index, { at, received, sent }] of all.entries()) {
    const before = all[index - 1]
    const slot = slots[SLOTS - 1 - Math.floor((now - at) / SLOT_MILLISECONDS)]
    if (!before || !slot) continue
    slot.received += Math.max(0, received - before.received)
    slot.sent += Math.max(0, sent - before.sent)
  }
  return slots.map(({ received, sent }) => ({
    received: (received / SLOT_MILLISECONDS) * 1_000,
    sent: (sent / SLOT_MILLISECONDS) * 1_000,
  }))
}
