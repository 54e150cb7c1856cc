// The clients that follow updates, and what they share: one output of the proxy, and one look a second at what tells nobody of its changes.
import type { WebSocket } from 'ws'
import type { AnyFlow, FlowList, LogEntry, Midwire, Sink } from '../../index.js'
import type { ServerMessage } from '../api/updates.js'
import { modesJson, optionsJson, peersJson, usageJson } from '../shape/proxy.js'
import { Follower } from './follower.js'
import { Waiting } from './waiting.js'

/** Milliseconds between two looks at peers, modes, memory and disk, and at the bodies of flows that are open. */
const LOOK = 1_000

export class Followers {
  readonly #proxy: Midwire
  readonly #version: string
  readonly #all = new Set<Follower>()
  #leave: (() => void) | undefined
  #looks: NodeJS.Timeout | undefined
  /** What was seen in the last look, as JSON. */
  readonly #seen = new Map<string, string>()
  #waiting = new Waiting()

  constructor(proxy: Midwire, version: string) {
    this.#proxy = proxy
    this.#version = version
  }

  get count(): number {
    return this.#all.size
  }

  /** `first`: a message that the client has said already. */
  add(socket: WebSocket, first?: string): void {
    const follower = new Follower(socket, this.#proxy, {
      numberOf: (id) => this.numberOf(id),
      topics: () => this.#look(),
    })
    this.#all.add(follower)
    socket.on('close', () => this.#remove(follower))
    this.#leave ??= this.#join()
    follower.send({ type: 'hello', version: this.#version })
    if (first !== undefined) follower.handle(first)
  }

  /** The number of a flow's row; undefined while no list is open. */
  numberOf(id: string): number | undefined {
    for (const { list } of this.#all) if (list) return (list as FlowList).number(id)
    return undefined
  }

  close(): void {
    for (const follower of [...this.#all]) this.#remove(follower)
  }

  #remove(follower: Follower): void {
    follower.close()
    this.#all.delete(follower)
    if (this.#all.size > 0) return
    this.#leave?.()
    this.#leave = undefined
    clearInterval(this.#looks)
    this.#looks = undefined
    this.#seen.clear()
  }

  /** Nothing of the proxy is listened to while nobody follows. */
  #join(): () => void {
    this.#waiting = new Waiting()
    for (const flow of this.#proxy.runningFlows) this.#waiting.saw(flow)
    const changed = (flow: AnyFlow) => {
      this.#waits(flow)
      for (const { opened } of this.#all) if (opened.flow === flow) opened.changed()
    }
    const sink: Sink = {
      name: 'updates',
      changed,
      flow: changed,
      log: (entry: LogEntry) => {
        for (const follower of this.#all) follower.log(entry)
      },
      configure: ({ changed: names }) => {
        // What comes after this may refuse the change.
        setImmediate(() => this.#tell('options', { type: 'options', options: optionsJson(this.#proxy, names) }))
      },
    }
    const removeSink = this.#proxy.addSink(sink)
    const removeHook = this.#proxy.on('update', (flows) => {
      for (const flow of flows) this.#waits(flow)
      for (const { opened } of this.#all) if (flows.some(({ id }) => id === opened.id)) opened.reread()
    })
    this.#looks = setInterval(() => this.#look(), LOOK)
    this.#looks.unref()
    return () => {
      removeSink()
      removeHook()
    }
  }

  #waits(flow: AnyFlow): void {
    if (this.#waiting.saw(flow)) this.#compareWaiting()
  }

  #compareWaiting(): void {
    this.#compare('waiting', () => this.#waiting.message())
  }

  /** Tells followers what has changed since the last look, and those that are new to it all of it. */
  #look(): void {
    this.#compare('modes', () => ({ type: 'modes', ...modesJson(this.#proxy) }))
    this.#compare('peers', () => ({ type: 'peers', peers: peersJson(this.#proxy) }))
    this.#compare('usage', () => ({ type: 'usage', usage: usageJson(this.#proxy, this.count) }))
    this.#compareWaiting()
    for (const { opened } of this.#all) opened.look()
  }

  #compare(topic: 'modes' | 'peers' | 'usage' | 'waiting', read: () => ServerMessage): void {
    const interested = [...this.#all].filter(({ topics }) => topics.has(topic))
    if (interested.length === 0) {
      this.#seen.delete(topic)
      return
    }
    const text = JSON.stringify(read())
    const isNew = text !== this.#seen.get(topic)
    this.#seen.set(topic, text)
    for (const follower of interested) if (isNew || !follower.knows.has(topic)) follower.state(topic, text)
  }

  #tell(topic: 'options', message: ServerMessage): void {
    for (const follower of this.#all) if (follower.topics.has(topic)) follower.news(message)
  }
}
