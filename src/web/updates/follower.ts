// One client that follows updates: what it asks for, and when it is told. It is told at most 20 times a second of each thing, and what it does not take is not kept.
import { safeParse } from 'valibot'
import type { WebSocket } from 'ws'
import { type FlowList, type LogEntry, type Midwire, MidwireError } from '../../index.js'
import { ClientMessage, type ServerMessage, type Topic } from '../api/updates.js'
import { filterFault } from '../shape/filter.js'
import { OpenFlow } from './open-flow.js'
import { Window } from './window.js'

/** Milliseconds between two messages of one kind. */
const PACE = 50

/** The same where each message has other rows than the one before: nobody reads them as they pass. */
const RUSHING_PACE = 100

/** Milliseconds that a new list has until it is told: its first rows are found by then, and need not wait for the next message. */
const FIRST_LOOK = 20

/** Milliseconds until the next look at a new list that has found nothing yet, and how many such looks there are before it is told. */
const NEXT_LOOK = 5
const MOST_LOOKS = 6

/** Bytes that wait in the socket, beyond which a client is behind: it is told nothing until it has taken them. */
const BEHIND = 256 * 1024

/** Milliseconds for which a client may be behind. */
const PATIENCE = 60_000

/** Lines of the log, and changes of options, that wait for a client. */
const MAX_LINES = 1_000
const MAX_NEWS = 100

export interface Surroundings {
  numberOf(id: string): number | undefined
  /** The client follows other topics now. */
  topics(): void
}

export class Follower {
  readonly opened: OpenFlow
  topics: ReadonlySet<Topic> = new Set()
  /** The topics whose state the client was told, or is about to be. */
  readonly knows = new Set<Topic>()
  readonly #socket: WebSocket
  readonly #proxy: Midwire
  readonly #around: Surroundings
  #window: Window | undefined
  #lines: LogEntry[] = []
  #dropped = 0
  #news: ServerMessage[] = []
  /** The last state of a topic, as text: older ones are of no use. */
  readonly #states = new Map<Topic, string>()
  #timer: NodeJS.Timeout | undefined
  #last = Number.NEGATIVE_INFINITY
  /** Looks at a new list that have found nothing. */
  #looks = 0
  #behindSince: number | undefined
  #isClosed = false

  constructor(socket: WebSocket, proxy: Midwire, around: Surroundings) {
    this.#socket = socket
    this.#proxy = proxy
    this.#around = around
    this.opened = new OpenFlow(proxy, around, () => this.#soon())
    socket.on('message', (data, isBinary) => this.handle(isBinary ? undefined : String(data)))
  }

  get list(): FlowList | undefined {
    return this.#window?.list
  }

  send(message: ServerMessage): void {
    this.#write(JSON.stringify(message))
  }

  log(entry: LogEntry): void {
    if (!this.topics.has('log')) return
    this.#lines.push(entry)
    if (this.#lines.length > MAX_LINES) {
      this.#dropped += this.#lines.length - MAX_LINES
      this.#lines.splice(0, this.#lines.length - MAX_LINES)
    }
    this.#soon()
  }

  /** Something that was not there before. */
  news(message: ServerMessage): void {
    this.#news.push(message)
    // A client that was behind for so long reads the options anew.
    if (this.#news.length > MAX_NEWS) this.#news.shift()
    this.#soon()
  }

  /** How a topic stands now. */
  state(topic: Topic, text: string): void {
    this.knows.add(topic)
    this.#states.set(topic, text)
    this.#soon()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#window?.close()
    this.#window = undefined
    this.opened.close()
  }

  /** Does what the client's message says; undefined for one that is no text. */
  handle(text: string | undefined): void {
    let given: unknown
    try {
      given = text === undefined ? undefined : JSON.parse(text)
    } catch {
      // Below it is no message.
    }
    const result = safeParse(ClientMessage, given, { abortEarly: true })
    if (!result.success) {
      this.send({ type: 'error', message: result.issues[0].message })
      return
    }
    try {
      this.#obey(result.output)
    } catch (error) {
      this.send({ type: 'error', message: (error as Error).message })
    }
  }

  #obey(message: ClientMessage): void {
    switch (message.type) {
      case 'list':
        this.#follow(message)
        this.#looks = 0
        this.#soon(FIRST_LOOK)
        break
      case 'window':
        if (this.#window?.number === message.list) this.#window.move(message)
        break
      case 'unlist':
        this.#window?.close()
        this.#window = undefined
        break
      case 'open':
        this.opened.open(message.id ?? undefined)
        break
      case 'topics':
        this.topics = new Set(message.topics)
        for (const topic of [...this.knows]) if (!this.topics.has(topic)) this.knows.delete(topic)
        if (!this.topics.has('log')) this.#lines = []
        this.#around.topics()
        break
    }
    this.#soon()
  }

  #follow(message: Extract<ClientMessage, { type: 'list' }>): void {
    let which: 'filter' | 'highlight' = 'filter'
    try {
      const next = Window.open(
        this.#proxy,
        message,
        this.#window,
        () => this.#soon(),
        () => {
          which = 'highlight'
        },
      )
      this.#window = next
    } catch (error) {
      if (!(error instanceof MidwireError)) throw error
      this.send({ type: 'refused', list: message.list, which, ...filterFault(error) })
    }
  }

  #soon(least = 0): void {
    if (this.#timer || this.#isClosed) return
    const pace = this.#window?.isRushing ? RUSHING_PACE : PACE
    const wait = Math.max(least, this.#last + pace - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#tell()
    }, wait)
  }

  #tell(): void {
    const now = performance.now()
    this.#last = now
    if (this.#socket.bufferedAmount > BEHIND) {
      this.#behindSince ??= now
      if (now - this.#behindSince > PATIENCE) this.#socket.terminate()
      else this.#soon()
      return
    }
    if (this.#behindSince !== undefined) this.#window?.refresh()
    this.#behindSince = undefined
    if (this.#window?.isEmptyStill && this.#looks++ < MOST_LOOKS) {
      this.#last = now - PACE
      this.#soon(NEXT_LOOK)
    } else {
      const rows = this.#window?.take()
      if (rows !== undefined) this.#write(rows)
    }
    const flow = this.opened.take()
    if (flow) this.send(flow)
    for (const text of this.#states.values()) this.#write(text)
    this.#states.clear()
    for (const message of this.#news.splice(0)) this.send(message)
    if (this.#lines.length > 0) this.send({ type: 'log', lines: this.#lines.splice(0), dropped: this.#dropped })
    this.#dropped = 0
  }

  #write(text: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text)
  }
}
