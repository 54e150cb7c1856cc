// Reads the records of the WireGuard server's events.
import type { BridgeEvents } from './bridge.js'
import { ADDRESS_HEADER, EVENT } from './records.js'

/** Methods that are called for the events of a server. Their buffers are views of the slab, and are valid only during the call. */
export interface WireGuardEvents {
  opened(id: number, header: Buffer): void
  connected(id: number): void
  data(id: number, bytes: Buffer): void
  end(id: number): void
  reset(id: number, reason: number): void
  writable(id: number, bytes: number): void
  closed(id: number): void
  datagram(flow: number, header: Buffer, data: Buffer): void
  datagramExpired(flow: number): void
  icmp(header: Buffer, message: Buffer): void
  log(level: number, target: string, message: string): void
  died(reason: string): void
  stopped(): void
}

/** What a bridge needs to call these methods. */
export function wireGuardEvents(events: WireGuardEvents): BridgeEvents {
  return {
    died: (reason) => events.died(reason),
    stopped: () => events.stopped(),
    record(kind, id, slab, words, start, length) {
      const end = start + length
      const word = start >>> 2
      switch (kind) {
        case EVENT.data:
          events.data(id, slab.subarray(start, end))
          break
        case EVENT.writable:
          events.writable(id, words[word] ?? 0)
          break
        case EVENT.opened:
          events.opened(id, slab.subarray(start, end))
          break
        case EVENT.connected:
          events.connected(id)
          break
        case EVENT.end:
          events.end(id)
          break
        case EVENT.closed:
          events.closed(id)
          break
        case EVENT.reset:
          events.reset(id, words[word] ?? 0)
          break
        case EVENT.datagram: {
          const data = start + ADDRESS_HEADER
          events.datagram(id, slab.subarray(start, data), slab.subarray(data, end))
          break
        }
        case EVENT.datagramExpired:
          events.datagramExpired(id)
          break
        case EVENT.icmp: {
          const message = start + ADDRESS_HEADER
          events.icmp(slab.subarray(start, message), slab.subarray(message, end))
          break
        }
        case EVENT.log: {
          const target = start + 8
          const message = target + (words[word + 1] ?? 0)
          events.log(words[word] ?? 0, slab.toString('utf8', target, message), slab.toString('utf8', message, end))
          break
        }
      }
    },
  }
}
