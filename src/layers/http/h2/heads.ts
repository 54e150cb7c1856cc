// Heads and trailers as they come: whose they are, whether they may come there, and what they say.
import type { Blocks } from './blocks.js'
import { ENHANCE_YOUR_CALM, Http2Error, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, STREAM_CLOSED } from './error.js'
import { FieldCheck, pseudoOrder } from './fields.js'
import { HpackDecoder } from './hpack-decoder.js'
import type { Receiver } from './receiver.js'
import { Stream } from './stream.js'

/** Interim responses of a stream. */
export const MAX_INTERIMS = 100

export class Heads {
  private readonly receiver: Receiver
  private readonly decoder: HpackDecoder
  private readonly fieldCheck = new FieldCheck()

  constructor(receiver: Receiver) {
    this.receiver = receiver
    this.decoder = new HpackDecoder(receiver.parts.maxList, receiver.parts.maxFields)
  }

  /** Our SETTINGS_HEADER_TABLE_SIZE is in force. */
  allowTable(size: number): void {
    this.decoder.allow(size)
  }

  /** Throws where HEADERS may not come at all. */
  check(id: number): void {
    const { closed, parts, isIdle } = this.receiver
    if (id === 0 || (id & 1) === 0) throw new Http2Error(PROTOCOL_ERROR, `there is HEADERS on stream ${id}`)
    if (parts.streams.has(id)) return
    if (isIdle.call(this.receiver, id)) {
      if (parts.role === 'client')
        throw new Http2Error(PROTOCOL_ERROR, `there is HEADERS on stream ${id}, which is idle`)
      return
    }
    const how = closed.find(id)
    if (how === 'reset by us' || (how === 'unknown' && parts.role === 'client')) return
    const code = how === 'over' ? STREAM_CLOSED : PROTOCOL_ERROR
    throw new Http2Error(code, `there is HEADERS on stream ${id}, which is closed`)
  }

  /** A whole block. It is decoded whatever becomes of it, since the table depends on it. */
  handleBlock(id: number, blocks: Blocks) {
    const { receiver } = this
    const { parts } = receiver
    const fields = this.decoder.decode(blocks.bytes, blocks.from, blocks.to)
    const stream = parts.streams.get(id)
    const own = blocks.priority?.dependency === id ? `stream ${id} depends on itself` : undefined
    if (stream === undefined) {
      if (parts.role === 'server' && receiver.isIdle(id)) this.handleRequest(id, fields, blocks, own)
      else parts.floods.chatter()
      return
    }
    if (!stream.receiving) return receiver.fail(stream, STREAM_CLOSED, 'there is HEADERS behind the end of the stream')
    const fault = own ?? (this.decoder.tooLarge ? 'a head or trailers are too large' : undefined)
    if (fault !== undefined) return receiver.fail(stream, own ? PROTOCOL_ERROR : ENHANCE_YOUR_CALM, fault)
    if (stream.headed) this.handleTrailers(stream, fields, blocks.end)
    else this.handleResponse(stream, fields, blocks.end)
  }

  private handleRequest(id: number, fields: string[], blocks: Blocks, own: string | undefined) {
    const { receiver, decoder, fieldCheck } = this
    const { parts } = receiver
    const { fingerprint } = parts
    receiver.highest = id
    if (receiver.goneAway) {
      // The client learns from GOAWAY that nothing was done for it.
      receiver.closed.add(id, true)
      return parts.floods.chatter()
    }
    receiver.lastPeer = id
    if (!fingerprint.complete) {
      fingerprint.complete = true
      fingerprint.pseudoOrder = pseudoOrder(fields, decoder.kinds)
      fingerprint.headPriority = blocks.priority
    }
    if (parts.streams.size >= parts.own.maxConcurrentStreams) {
      return this.refuse(id, REFUSED_STREAM, 'there are more requests at once than SETTINGS allow')
    }
    if (decoder.tooLarge) return this.refuseLarge(id, blocks.end)
    const fault = own ?? fieldCheck.request(fields, decoder.kinds, parts.own.enableConnectProtocol)
    if (fault !== undefined) return this.refuse(id, PROTOCOL_ERROR, fault)
    const { method, contentLength } = fieldCheck
    if (blocks.end && contentLength > 0) {
      return this.refuse(id, PROTOCOL_ERROR, `content-length is ${contentLength}, but there is no body`)
    }
    const stream = new Stream(id, method, receiver.streamWindow, parts.sender.peerSettings.initialWindowSize)
    stream.headed = true
    stream.expected = method === 'CONNECT' ? -1 : contentLength
    stream.neverIndexed = decoder.neverIndexed
    parts.streams.set(id, stream)
    parts.floods.head()
    if (blocks.end) stream.receiving = false
    parts.handler.handleHead(stream, fields, blocks.end)
    if (blocks.end) receiver.finishEnded(stream)
  }

  private handleResponse(stream: Stream, fields: string[], end: boolean) {
    const { receiver, decoder, fieldCheck } = this
    const fault = fieldCheck.response(fields, decoder.kinds)
    if (fault !== undefined) return receiver.fail(stream, PROTOCOL_ERROR, fault)
    const { status, contentLength } = fieldCheck
    stream.neverIndexed = decoder.neverIndexed
    if (status < 200) {
      if (end) return receiver.fail(stream, PROTOCOL_ERROR, 'an interim response ends the stream')
      if (++stream.interims > MAX_INTERIMS) {
        return receiver.fail(stream, ENHANCE_YOUR_CALM, `there are more than ${MAX_INTERIMS} interim responses`)
      }
      return receiver.parts.handler.handleHead(stream, fields, false)
    }
    stream.headed = true
    stream.bodyless = stream.method === 'HEAD' || status === 304 || status === 204
    stream.expected = stream.method === 'CONNECT' && status < 300 ? -1 : contentLength
    receiver.parts.floods.head()
    if (end && !receiver.endReceiving(stream)) return
    receiver.parts.handler.handleHead(stream, fields, end)
    if (end) receiver.finishEnded(stream)
  }

  private handleTrailers(stream: Stream, fields: string[], end: boolean) {
    const { receiver, decoder, fieldCheck } = this
    const fault = end
      ? fieldCheck.trailers(fields, decoder.kinds)
      : 'there is a second head that does not end the stream'
    if (fault !== undefined) return receiver.fail(stream, PROTOCOL_ERROR, fault)
    receiver.parts.floods.head()
    stream.neverIndexed = decoder.neverIndexed
    if (!receiver.endReceiving(stream)) return
    receiver.parts.handler.handleTrailers(stream, fields)
    receiver.finishEnded(stream)
  }

  /** Refuses a request of which no stream was made. */
  private refuse(id: number, code: number, message: string): void {
    const { receiver } = this
    receiver.parts.sender.reset(id, code)
    receiver.closed.add(id, true)
    receiver.parts.handler.handleRefused?.(new Http2Error(code, message, id))
    receiver.misdeed()
  }

  /** As HTTP/1 does: 431, and the rest of the request is not wanted. */
  private refuseLarge(id: number, end: boolean) {
    const { sender } = this.receiver.parts
    const stream = new Stream(id, '', 0, 0)
    sender.head(stream, [':status', '431', 'content-length', '0'], true)
    const message = 'the head is too large'
    if (!end) return this.refuse(id, NO_ERROR, message)
    this.receiver.closed.add(id, false)
    this.receiver.parts.handler.handleRefused?.(new Http2Error(ENHANCE_YOUR_CALM, message, id))
    this.receiver.misdeed()
  }
}
