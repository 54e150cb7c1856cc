// The two ends of an exchange, whatever version of HTTP each of them speaks: the client's and the server's.
import type { ServerConnection } from '../../connection.js'
import type { HttpHeaders } from '../../flow/headers.js'
import type { HttpRequest, HttpResponse } from '../../flow/http.js'
import type { HttpVersion } from '../../flow/http-message.js'
import type { AnyChannel, Channel } from '../channel.js'
import type { Step } from '../layer.js'
import type { Side } from './error.js'

/**
 * Where a body ends. `chunked`: its end is said by what carries it, chunks or the end of a stream. `close`: it ends with the connection;
 * responses of HTTP/1 only.
 */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length' /** Bytes. */; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

/** Takes a piece of a body. */
export type Emit = (piece: Buffer) => void

/** A body as it comes. */
export interface Inlet {
  /** What brings the body: it is paused, and may be lost. */
  readonly channel: AnyChannel
  /** Whose fault it is when the body is wrong. */
  readonly side: Side
  /** The whole body has been read. */
  readonly done: boolean
  /** The fields after the body; undefined until its end, and where there are none. */
  readonly trailers: HttpHeaders | undefined
  /** Reads what has come already. Throws an HttpError for what is wrong. */
  readAhead(emit: Emit): void
  /** Waits for more, and reads it. Throws an HttpError, also where the connection is lost before the end. */
  read(emit: Emit): Step<void>
}

/** A message on its way out whose body follows piece by piece. Its head goes out with the first piece. */
export interface Outlet {
  readonly channel: AnyChannel
  /** Sends a piece; without one the head alone. */
  send(piece: Buffer | undefined): void
  /** Sends the last piece, the trailers and the end. */
  end(piece: Buffer | undefined, trailers: HttpHeaders | undefined): void
}

/** The head of an interim response (RFC 9110, 15.2). */
export interface InterimHead {
  readonly version: HttpVersion
  readonly status: number
  readonly reason: string
  readonly headers: HttpHeaders
}

/** The client, for one exchange. */
export interface ClientEnd {
  readonly channel: AnyChannel
  /** The framing of the request's body. */
  readonly framing: Framing
  /** The request's body; undefined where it has none. */
  readonly body: Inlet | undefined
  /** The client's connection can carry another request after this one. */
  readonly persistent: boolean
  /** The connection, or the stream, ends with this exchange: the client's request is not read to its end. */
  leave(): void
  /** Asks for the body in the server's place, where the client waits to be asked. */
  askForBody(): void
  sendInterim(head: InterimHead): void
  /** Sends a whole response. `framing`: how its body came, and goes on where that can be. */
  sendWhole(response: HttpResponse, framing: Framing): void
  /** Begins a response whose body passes. */
  begin(response: HttpResponse, framing: Framing): Outlet
  /** Agrees to another protocol: a 101, and to CONNECT a 2xx. */
  sendUpgrade(response: HttpResponse): void
  /** Sends an error page. The exchange is over. */
  sendPage(page: HttpResponse): void
}

/** The head of a server's response. */
export interface ServerHead extends InterimHead {
  readonly irregularities?: readonly string[] | undefined
  readonly framing: Framing
}

/** The server, for one exchange, or the proxy before it. */
export interface ServerEnd {
  readonly connection: ServerConnection
  /** What carries the exchange: the connection, or a stream of it, which there is once the request has begun. */
  readonly channel: Channel<ServerConnection> | undefined
  /** As messages name it: `the server`. */
  readonly name: string
  /** It is a proxy that forwards the request. */
  readonly isProxy: boolean
  /** Sends a whole request. A lost connection is no error here: it shows when the response is read. */
  sendWhole(request: HttpRequest, framing: Framing): void
  /** Begins a request whose body passes. */
  begin(request: HttpRequest, framing: Framing): Outlet
  /** Waits for the next head, interim or final; undefined where the connection ends without one. Throws an HttpError for a wrong one. */
  readHead(): Step<ServerHead | undefined>
  /** The body of the final response. */
  body(response: HttpResponse, framing: Framing): Inlet
  /** Another way to the same server, where this one has failed before it took up the request; undefined where it must not be sent again. */
  retry(): Step<ServerEnd | undefined>
  /** The exchange is over. `whole`: both messages have passed, so that the connection may carry another exchange. */
  finish(whole: boolean): void
  /** The connection is authenticated for this client alone. */
  bind(): void
  /** Leaves the channel to the layer that goes on after an upgrade. */
  give(): Channel<ServerConnection>
}
