// What the terminal says of flows that are not over: that one runs for long, and each message as it comes.
import type { DnsFlow } from '../flow/dns.js'
import type { HttpFlow } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { StreamMessage } from '../flow/stream-message.js'
import type { WebSocketMessage } from '../flow/websocket.js'
import { clientText, serverText, urlText } from './shown.js'
import { cut, oneLine, type Paint, sizeText } from './text.js'

/** Milliseconds after which a flow that still runs is shown. */
const LONG = 5_000

/** Characters of a message that are shown. */
const PREVIEW = 80
/** Bytes of one that is no text. */
const PREVIEW_BYTES = 16

/** The flows that may run for long. DNS queries never do. */
type Running = Exclude<AnyFlow, DnsFlow>

/** Finds the flows that run for long. Its timer is there only while one runs that was not found yet. */
export class RunningFlows {
  readonly #found: (flow: Running) => void
  /** In the order in which they began. */
  readonly #waiting = new Set<Running>()
  #timer: NodeJS.Timeout | undefined

  /** `found` is called once for each flow. */
  constructor(found: (flow: Running) => void) {
    this.#found = found
  }

  begun(flow: Running): void {
    this.#waiting.add(flow)
    if (!this.#timer) this.#wait(LONG)
  }

  over(flow: Running): void {
    if (this.#waiting.delete(flow) && this.#waiting.size === 0) this.close()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting.clear()
  }

  #wait(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#look(), milliseconds)
    this.#timer.unref()
  }

  #look(): void {
    this.#timer = undefined
    const now = Date.now()
    for (const flow of this.#waiting) {
      const left = flow.createdAt + LONG - now
      if (left > 0) {
        this.#wait(left)
        return
      }
      this.#waiting.delete(flow)
      this.#found(flow)
    }
  }
}

const stateOf = ({ intercepted }: Running) => (intercepted ? 'intercepted, waits' : 'running')

/** A flow that runs, as a line. */
export function runningLine(flow: Running, paint: Paint, showhost: boolean): string {
  if (flow.type !== 'http') {
    const so = paint('dim', ` (${stateOf(flow)}, ${sizeText(flow.bytesFromClient + flow.bytesFromServer)} so far)`)
    return `${clientText(flow)} <-> ${paint('bold', serverText(flow, showhost))} ${paint('boldMagenta', flow.type)}${so}\n`
  }
  const { request, response, websocket } = flow
  const head = `${clientText(flow)}: ${oneLine(request.method)} ${oneLine(urlText(request, showhost))}`
  if (!response) return `${head}${paint('dim', ` (${stateOf(flow)}, no response yet)`)}\n`
  const bytes = websocket ? websocket.bytesFromClient + websocket.bytesFromServer : response.body.length
  return `${head}${paint('bold', ' <<')} ${response.status}${paint('dim', ` (${stateOf(flow)}, ${sizeText(bytes)} so far)`)}\n`
}

/** Makes lines of messages that have come. */
export class MessageLines {
  readonly #shown = new WeakMap<HttpFlow, number>()

  /** The flow has changed: the line of its last message; undefined where that was shown already, or the flow has none. */
  next(flow: HttpFlow, paint: Paint, showhost: boolean): string | undefined {
    const count = messagesOf(flow)
    const message = flow.websocket?.last ?? flow.messages?.last
    if (!message || count === (this.#shown.get(flow) ?? 0)) return undefined
    this.#shown.set(flow, count)
    const arrow = paint('bold', message.fromClient ? '->' : '<-')
    const url = oneLine(urlText(flow.request, showhost))
    return `${clientText(flow)}: ${url} ${arrow} ${headOf(message)} ${preview(message.content)}`.trimEnd().concat('\n')
  }
}

/** The messages of a flow so far. */
function messagesOf({ websocket, messages }: HttpFlow): number {
  if (websocket) return websocket.messagesFromClient + websocket.messagesFromServer + websocket.injected
  return messages ? messages.fromClient + messages.fromServer : 0
}

/** The kind of a message, its size, and what has become of it. */
export function headOf(message: WebSocketMessage | StreamMessage): string {
  const length = 'length' in message ? message.length : message.content.length
  const injected = 'injected' in message && message.injected
  return `${message.kind} ${sizeText(length)}${message.dropped ? ' dropped' : ''}${injected ? ' injected' : ''}`
}

function preview(content: Buffer): string {
  // A character is 4 bytes at most.
  const text = content.subarray(0, 4 * PREVIEW).toString()
  if (!text.slice(0, PREVIEW).includes('\ufffd')) return cut(oneLine(text), PREVIEW)
  return content.subarray(0, PREVIEW_BYTES).toString('hex')
}
