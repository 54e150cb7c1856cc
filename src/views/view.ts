// The interface of a view: how content of one kind is shown to people.
import type { AnyFlow } from '../flow/index.js'
import type { Page, ViewLine } from './page.js'

/** What is known of content beside its bytes. */
export interface ViewMetadata {
  /** The value of Content-Type; undefined for none. */
  readonly contentType: string | undefined
  /** Of HTTP: the path of the request with its query. */
  readonly path: string | undefined
  /** What the content is: the body of a request or response, or a message. */
  readonly kind: 'body' | 'websocket' | 'tcp' | 'udp'
  /** True: the client has sent it. */
  readonly fromClient: boolean
  /** The flow that it is from; undefined where it is from none. */
  readonly flow: AnyFlow | undefined
}

export interface View {
  /** Small letters, digits, `-` and `_`. An addon's view takes the place of one of midwire's that has the same name. */
  readonly name: string
  /** One line for `midwire help views`. */
  readonly help?: string
  /**
   * How well the view fits, from 0, not at all, to 1. `auto` takes the view with the highest number; text has 0.2 and hex 0.1. It is asked
   * for every content that is shown, so it should look at the type and the first bytes alone.
   */
  priority(content: Buffer, metadata: ViewMetadata): number
  /**
   * Shows the content, decoded from its Content-Encoding: returns a text, or lines; or writes to `page`, which ends the view by an error
   * when it is full. Content may be cut off at any byte, and may be anything. What it throws is shown, with the content as text or hex.
   */
  render(content: Buffer, metadata: ViewMetadata, page: Page): string | readonly (string | ViewLine)[] | undefined
}

/** The type alone of a Content-Type, in small letters: `application/json`; empty for none. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** A parameter of a Content-Type; undefined for none. */
export function parameter(contentType: string | undefined, name: string): string | undefined {
  for (const [, key = '', quoted, plain] of (contentType ?? '').slice(0, MAX_TYPE).matchAll(PARAMETER)) {
    if (key.toLowerCase() === name) return quoted?.replace(/\\(.)/g, '$1') ?? plain
  }
  return undefined
}

/** `; name=value`, `; name="value"` (RFC 9110, 5.6.6). */
const PARAMETER = /;[ \t]*([^\s;="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g
/** Characters of a Content-Type that are looked at. */
const MAX_TYPE = 2048
