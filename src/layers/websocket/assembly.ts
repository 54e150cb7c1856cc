// A message that comes in frames, as far as it has to be kept: for a hook, to be decompressed, or to be recorded.
import type { WebSocketMessageKind } from '../../flow/websocket.js'
import { type Frame, OPCODE } from './frame.js'
import { Growing } from './growing.js'

export interface AssemblyRules {
  /** The message does not go on before all of it is here. */
  readonly held: boolean
  /** Bytes that are recorded of it. */
  readonly room: number
}

export class Assembly {
  readonly kind: WebSocketMessageKind
  readonly compressed: boolean
  readonly held: boolean
  /** Bytes of its payload. */
  length = 0
  readonly #room: number
  readonly #frames = new Growing()
  readonly #payload = new Growing()

  constructor(first: Frame, { held, room }: AssemblyRules) {
    this.kind = first.opcode === OPCODE.text ? 'text' : 'binary'
    this.compressed = first.compressed
    this.held = held
    this.#room = room
  }

  take(frame: Frame): void {
    this.length += frame.length
    if (this.held) this.#frames.append(frame.raw)
    const isNeeded = this.held || this.compressed || this.#payload.length < this.#room
    if (isNeeded) this.#payload.append(frame.payload)
  }

  /** The frames as they came; only of a message that is held. */
  get frames(): Buffer {
    return this.#frames.bytes
  }

  /** The payload, compressed as it came; of a message that is neither held nor compressed as much as is recorded, or more. */
  get payload(): Buffer {
    return this.#payload.bytes
  }
}
