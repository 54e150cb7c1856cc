// The one flow that a client has open: as a whole whenever it changes, and of its messages those that are new.
import type { AnyFlow, Midwire } from '../../index.js'
import type { ServerMessage } from '../api/updates.js'
import { flowJson } from '../shape/flow.js'
import { messageJson, messagesOf, passingOf } from '../shape/message.js'

/** Messages in one message to the client. */
const MAX_MESSAGES = 100

export class OpenFlow {
  id: string | undefined
  /** The flow as outputs see it, while it runs. */
  flow: AnyFlow | undefined
  readonly #proxy: Midwire
  readonly #around: { numberOf(id: string): number | undefined }
  readonly #soon: () => void
  #told = 0
  /** Bytes of the bodies that the client was told of. */
  #size = 0
  #isDirty = false

  constructor(proxy: Midwire, around: { numberOf(id: string): number | undefined }, soon: () => void) {
    this.#proxy = proxy
    this.#around = around
    this.#soon = soon
  }

  /** Undefined for none. */
  open(id: string | undefined): void {
    this.id = id
    this.flow = undefined
    this.#told = 0
    if (id !== undefined) this.reread()
  }

  /** It may be another object from now on. */
  reread(): void {
    const flow = this.id === undefined ? undefined : this.#proxy.flow(this.id)
    this.flow = flow && this.#proxy.shown(flow)
    this.changed()
  }

  changed(): void {
    this.#isDirty = true
    this.#soon()
  }

  /** Tells of bodies that have grown: nothing else does. */
  look(): void {
    if (this.flow?.live && bytesOf(this.flow) !== this.#size) this.changed()
  }

  close(): void {
    this.id = undefined
    this.flow = undefined
  }

  take(): ServerMessage | undefined {
    if (!this.#isDirty || this.id === undefined) return undefined
    this.#isDirty = false
    const { flow, id } = this
    if (!flow) return { type: 'flow', id, flow: undefined, messages: [], totalMessages: 0 }
    this.#size = bytesOf(flow)
    const all = messagesOf(flow)
    // One that may change still is told when it has passed.
    const [first] = passingOf(flow)
      .map((message) => all.lastIndexOf(message))
      .filter((at) => at !== -1)
    const settled = first ?? all.length
    const next = all.slice(this.#told, Math.min(settled, this.#told + MAX_MESSAGES))
    const messages = next.map((message, at) => messageJson(message, this.#told + at))
    this.#told += next.length
    if (this.#told < settled) this.changed()
    const facts = { number: this.#around.numberOf(flow.id), modified: this.#proxy.isModified(flow.id) }
    return { type: 'flow', id, flow: flowJson(flow, facts), messages, totalMessages: all.length }
  }
}

const bytesOf = (flow: AnyFlow): number =>
  flow.type === 'http' ? flow.request.body.length + (flow.response?.body.length ?? 0) : 0
