// One direction of a WebSocket: what its sender has begun, and what may go on to its receiver.
import { isUtf8 } from 'node:buffer'
import { WebSocketMessage } from '../../flow/websocket.js'
import type { AnyChannel } from '../channel.js'
import type { World } from '../world.js'
import type { Assembly } from './assembly.js'
import { closePayload } from './close.js'
import { Deflate } from './deflate.js'
import type { Agreement } from './extensions.js'
import { frameBytes, maskFrom, OPCODE } from './frame.js'
import { Injections } from './injections.js'
import { FrameReader, MAX_MESSAGE, notUtf8 } from './reader.js'

export class Way {
  readonly fromClient: boolean
  readonly from: AnyChannel
  readonly to: AnyChannel
  readonly reader: FrameReader
  /** The message of which frames have come, and not the last one. */
  message: Assembly | undefined
  /** The first frames of a message have gone on, and not the last one: another message must wait. */
  isWithin = false
  readonly injections = new Injections()
  /** A Close frame has gone to the receiver: nothing goes after it (RFC 6455, 5.5.1). */
  closed = false
  readonly #world: World
  readonly #deflate: Deflate | undefined

  constructor(world: World, fromClient: boolean, from: AnyChannel, to: AnyChannel, { deflate }: Agreement) {
    this.fromClient = fromClient
    this.from = from
    this.to = to
    this.reader = new FrameReader({ masked: fromClient, deflate: deflate !== undefined })
    this.#world = world
    this.#deflate = deflate && new Deflate(fromClient ? deflate.client : deflate.server)
  }

  /** A compressed message must be held, since it is compressed anew. */
  get recompresses(): boolean {
    return this.#deflate?.isOwn ?? false
  }

  /** The message as hooks see it, when all of it is here. Throws a WebSocketError. */
  messageOf({ kind, compressed, payload, length }: Assembly): WebSocketMessage {
    const content = compressed && this.#deflate ? this.#deflate.inflate(payload, MAX_MESSAGE) : payload
    // Text that is not compressed was checked as it came.
    if (compressed && kind === 'text' && !isUtf8(content)) throw notUtf8()
    const timestamp = this.#world.now()
    return new WebSocketMessage({
      fromClient: this.fromClient,
      kind,
      content,
      length: compressed ? content.length : length,
      timestamp,
    })
  }

  /** What goes on of a message that was held, after its hook; undefined where it was dropped. */
  outgoing(message: WebSocketMessage, assembly: Assembly): Buffer | undefined {
    const deflate = assembly.compressed ? this.#deflate : undefined
    const isSame = !message.dropped && !message.changed && !deflate?.isOwn
    if (isSame) return assembly.frames
    deflate?.depart()
    if (message.dropped) return undefined
    return deflate ? this.#frame(message, deflate.deflate(message.content), true) : this.frameOf(message)
  }

  /** A message as one frame that is not compressed, as any message may be: windows stay as they are. */
  frameOf(message: WebSocketMessage): Buffer {
    return this.#frame(message, message.content, false)
  }

  #frame({ kind }: WebSocketMessage, payload: Buffer, compressed: boolean): Buffer {
    return frameBytes({ opcode: OPCODE[kind], payload, compressed, mask: this.#mask() })
  }

  /** A Close frame of midwire's own. */
  closeFrame(code: number, reason: string): Buffer {
    return frameBytes({ opcode: OPCODE.close, payload: closePayload(code, reason), mask: this.#mask() })
  }

  /** Frames to a server are masked, each anew. */
  #mask(): Buffer | undefined {
    return this.fromClient ? maskFrom(this.#world.newId()) : undefined
  }
}
