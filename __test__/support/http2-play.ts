// Plays HTTP/2 through the layers: the client and the servers are sessions of our own, and bytes pass between them and a playbook.
import type { HttpFlow } from '../../src/flow/http.js'
import type { AnyChannel } from '../../src/layers/channel.js'
import { codeName } from '../../src/layers/http/h2/error.js'
import type { SessionOptions } from '../../src/layers/http/h2/session.js'

import type { Stream } from '../../src/layers/http/h2/stream.js'
import { Recorder } from '../layers/http/h2/recorder.js'
import { Playbook, type PlaybookOptions } from './playbook.js'

const EMPTY = Buffer.alloc(0)

/** One end of HTTP/2, with what it has heard as lines: `2 head :status 200 x-a 1`, `2 data hello`, `2 end`, `2 reset CANCEL`. */
export class Peer extends Recorder {
  #heard = 0
  /** It says nothing. */
  mute = false

  /** Sends a request; its stream. */
  ask(fields: readonly string[], end = true): Stream {
    const stream = this.session.open(fields, end)
    if (!stream) throw new Error('no stream can be opened')
    this.streams.set(stream.id, stream)
    return stream
  }

  stream(id: number): Stream {
    const stream = this.streams.get(id)
    if (!stream) throw new Error(`there is no stream ${id}`)
    return stream
  }

  answer(id: number, fields: readonly string[], content?: string, trailers?: readonly string[]): this {
    const stream = this.stream(id)
    this.session.sendHead(stream, fields, content === undefined && !trailers)
    if (content !== undefined) this.session.sendData(stream, Buffer.from(content), !trailers)
    if (trailers) this.session.sendTrailers(stream, trailers)
    return this
  }

  send(id: number, content: string | Buffer, end = false): this {
    this.session.sendData(this.stream(id), typeof content === 'string' ? Buffer.from(content) : content, end)
    return this
  }

  end(id: number): this {
    this.session.sendData(this.stream(id), EMPTY, true)
    return this
  }

  reset(id: number, code: number): this {
    this.session.reset(this.stream(id), code)
    return this
  }

  /** What it has heard since the last time. */
  heard(): string[] {
    const lines = this.events.slice(this.#heard).map(([what, id, ...details]) => {
      switch (what) {
        case 'head':
          return `${id} head ${(details[0] as string[]).join(' ')}${details[1] ? ' end' : ''}`
        case 'trailers':
          return `${id} trailers ${(details[0] as string[]).join(' ')}`
        case 'reset':
          return `${id} reset ${codeName(details[0] as number)}`
        case 'goaway':
          return `goaway ${codeName(details[0] as number)}`
        case 'fatal':
          return `fatal ${details[0]}`
        default:
          return [id, what, ...details].join(' ')
      }
    })
    this.#heard = this.events.length
    return lines
  }
}

export interface Http2PlayOptions extends PlaybookOptions {
  /** What servers speak: `h2`, unless it says otherwise. */
  servers?: 'h1' | 'h2'
  /** SETTINGS and more of the client, and of servers. */
  client?: SessionOptions
  server?: SessionOptions
  /** HTTP/2 without TLS. */
  cleartext?: boolean
}

export class Http2Play {
  readonly play: Playbook
  readonly client: Peer
  readonly #options: Http2PlayOptions
  readonly #peers = new Map<AnyChannel, Peer>()
  /** What servers of HTTP/1 have heard. */
  readonly #texts = new Map<AnyChannel, string>()
  /** What the client has got, where it speaks HTTP/1. */
  text = ''
  /** All that was done and is no sending. */
  #lines: string[] = []
  readonly #speaks: 'h1' | 'h2'
  readonly flows: HttpFlow[] = []

  constructor(options: Http2PlayOptions = {}, speaks: 'h1' | 'h2' = 'h2') {
    this.#options = options
    this.#speaks = speaks
    const alpn = options.servers === 'h1' ? ['http/1.1'] : ['h2', 'http/1.1']
    const serverTls = options.cleartext ? undefined : { sni: 'a.test', alpn }
    const destination = options.destination ?? {
      host: 'a.test',
      port: options.cleartext ? 80 : 443,
      transport: 'tcp' as const,
    }
    this.play = new Playbook(speaks === 'h2' ? 'http2' : 'http1', {
      ...(serverTls && { serverTls }),
      ...options,
      destination,
    })
    this.play.context.secured = !options.cleartext
    this.client = new Peer('client', options.client)
    this.pass()
  }

  /** Passes bytes until all is said. */
  pass(): this {
    const { play, client } = this
    for (let turns = 0; turns < 10_000; turns++) {
      let moved = false
      for (const line of play.said()) {
        const [, name, bytes] = /^send (client|server\d*) (.*)$/s.exec(line) ?? []
        if (!name || bytes === undefined) {
          this.#lines.push(line)
          continue
        }
        moved = true
        this.#deliver(name, Buffer.from(JSON.parse(bytes) as string, 'latin1'))
      }
      if (
        this.#speaks === 'h2' &&
        client.session.hasOutput &&
        !client.mute &&
        !play.client.closed &&
        !play.client.ended
      ) {
        moved = true
        play.data(play.client, client.session.takeOutput() as Buffer)
      }
      for (const [channel, peer] of this.#peers) {
        if (!peer.session.hasOutput || peer.mute || channel.closed || channel.ended) continue
        moved = true
        play.data(channel, peer.session.takeOutput() as Buffer)
      }
      if (!moved) return this
    }
    throw new Error('the talk has no end')
  }

  #deliver(name: string, data: Buffer): void {
    if (name === 'client') {
      if (this.#speaks === 'h2') this.client.session.receive(data)
      else this.text += data.toString('latin1')
      return
    }
    const channel = this.play.servers[name === 'server' ? 0 : Number(name.slice(6)) - 1] as AnyChannel
    const peer = this.#peers.get(channel)
    if (peer) peer.session.receive(data)
    else this.#texts.set(channel, (this.#texts.get(channel) ?? '') + data.toString('latin1'))
  }

  /** The connection that is asked for is there; the server at its other end. */
  opened(speaks = this.#options.servers ?? 'h2'): Peer {
    const peer = new Peer('server', this.#options.server)
    const channel = this.play.opened()
    if (channel.connection.tls) channel.connection.tls.alpn = speaks === 'h2' ? 'h2' : 'http/1.1'
    if (speaks === 'h2') this.#peers.set(channel, peer)
    this.pass()
    return peer
  }

  /** Asks, and opens the connection to the server. */
  asked(fields: readonly string[], end = true): Peer {
    this.client.ask(fields, end)
    this.pass()
    return this.opened()
  }

  /** What a server of HTTP/1 has heard since the last time. */
  said(index = 0): string {
    const channel = this.play.servers[index] as AnyChannel
    const text = this.#texts.get(channel) ?? ''
    this.#texts.set(channel, '')
    return text
  }

  /** Bytes of a server of HTTP/1. */
  says(text: string, index = 0): this {
    this.play.data(this.play.servers[index] as AnyChannel, text)
    return this.pass()
  }

  /** Deeds other than sending, since the last time. */
  done(): string[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  flow(index = 0): HttpFlow {
    return this.play.finished[index] as HttpFlow
  }
}

/** A request's fields. */
export const request = (method = 'GET', path = '/', more: readonly string[] = []): string[] => [
  ':method',
  method,
  ':scheme',
  'https',
  ':authority',
  'a.test',
  ':path',
  path,
  ...more,
]
