// Shows flows in a terminal as mitmdump does: each on a line, or on more of them, by `flow_detail`.

import type { DnsFlow } from '../flow/dns.js'
import { typeName } from '../flow/dns-names.js'
import { messageText, recordText, statusText } from '../flow/dns-text.js'
import { parseFilter } from '../flow/filter.js'
import type { HttpFlow, HttpRequest, HttpResponse } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { TcpFlow, UdpFlow } from '../flow/messages.js'
import type { WebSocketData } from '../flow/websocket.js'
import type { Options } from '../options/definitions.js'
import { Views } from '../views/render.js'
import type { ViewMetadata } from '../views/view.js'
import { contentText } from './content.js'
import { LineWriter, type TextOutput } from './lines.js'
import { headOf, MessageLines, RunningFlows, runningLine } from './live.js'
import { afterChange, clientText, serverText, urlText } from './shown.js'
import type { Sink } from './sink.js'
import { cut, durationText, oneLine, type Paint, painter, type Style, sizeText } from './text.js'

const NAMES = [
  ...(['flow_detail', 'showhost', 'content_view_lines_cutoff', 'dumper_filter'] as const),
  'dumper_default_contentview',
] as const

type ShownOptions = Pick<Options, (typeof NAMES)[number]>

export interface TerminalOptions extends Partial<ShownOptions> {
  /** Whether the lines have colours. Default: false. */
  color?: boolean
}

/** Characters of a URL that are shown, however narrow the terminal is. */
const LEAST_URL = 24

/** The flow_detail from which on messages are shown as they come. */
const MESSAGES_DETAIL = 2

/**
 * Shows each flow that matches `dumper_filter`, once it is over; one that runs for more than 5 s also then; and from flow_detail 2 on each
 * message of WebSocket, events, gRPC and JSON lines as it comes. Throws ERR_FILTER.
 */
export function terminalSink(output: TextOutput, options: TerminalOptions = {}): Sink {
  const { color = false } = options
  let shown = shownOptions(options)
  let accepts = filterOf(shown)
  let views = new Views()
  let show = new Shown(output, color, shown, views)
  const writer = new LineWriter(output, (count) => `(${count} flows were not shown: the terminal is too slow)\n`)
  const paint = painter(color)
  const running = new RunningFlows((flow) => {
    if (shown.flow_detail > 0 && accepts(flow)) writer.write(runningLine(flow, paint, shown.showhost))
  })
  const messages = new MessageLines()
  return {
    name: 'terminal',
    attached(proxy) {
      views = proxy.views
      show = new Shown(output, color, shown, views)
    },
    begun(flow) {
      if (flow.type !== 'dns' && shown.flow_detail > 0) running.begun(flow)
    },
    changed(flow) {
      if (shown.flow_detail < MESSAGES_DETAIL || flow.type !== 'http' || !accepts(flow)) return
      const line = messages.next(flow, paint, shown.showhost)
      if (line !== undefined) writer.write(line)
    },
    flow(flow) {
      if (flow.type !== 'dns') running.over(flow)
      if (shown.flow_detail > 0 && accepts(flow)) writer.write(show.flow(flow))
    },
    configure(change) {
      const after = afterChange(shown, NAMES, change)
      accepts = filterOf(after)
      show = new Shown(output, color, after, views)
      shown = after
    },
    close() {
      running.close()
      writer.flush()
    },
  }
}

/** A flow as `terminalSink` shows it, with its newlines. Without `columns`, the width of the terminal in characters, nothing is cut off. */
export function flowText(flow: AnyFlow, options: TerminalOptions & { columns?: number | undefined } = {}): string {
  const { color = false, columns } = options
  return new Shown({ write: () => undefined, columns }, color, shownOptions(options), new Views()).flow(flow)
}

const shownOptions = ({
  flow_detail = 1,
  showhost = true,
  content_view_lines_cutoff = 512,
  dumper_filter,
  dumper_default_contentview = 'auto',
}: TerminalOptions): ShownOptions => ({
  ...{ flow_detail, showhost, content_view_lines_cutoff, dumper_filter, dumper_default_contentview },
})

const filterOf = ({ dumper_filter }: ShownOptions): ((flow: AnyFlow) => boolean) =>
  dumper_filter ? parseFilter(dumper_filter) : () => true

class Shown {
  readonly #output: TextOutput
  readonly #paint: Paint
  readonly #detail: number
  readonly #showhost: boolean
  /** The most lines of a body that are shown. */
  readonly #lines: number
  readonly #view: string
  readonly #views: Views

  constructor(output: TextOutput, color: boolean, options: ShownOptions, views: Views) {
    const { flow_detail, showhost, content_view_lines_cutoff } = options
    this.#view = options.dumper_default_contentview
    this.#views = views
    this.#output = output
    this.#paint = painter(color)
    this.#detail = flow_detail
    this.#showhost = showhost
    this.#lines = flow_detail > 3 ? Number.POSITIVE_INFINITY : content_view_lines_cutoff
  }

  /** A flow as lines, each with its newline. */
  flow(flow: AnyFlow): string {
    if (flow.type === 'http') return this.#http(flow)
    return flow.type === 'dns' ? this.#dns(flow) : this.#raw(flow)
  }

  #http(flow: HttpFlow): string {
    const { request, response } = flow
    const client = clientText(flow)
    const versions =
      request.version === '1.1' && (response?.version ?? '1.1') === '1.1' ? '' : ` HTTP/${request.version}`
    const method = oneLine(request.method)
    const url = oneLine(urlText(request, this.#showhost))
    const tail: [Style | undefined, string][] = []
    if (response) tail.push(...this.#statusParts(flow, response))
    if (flow.error) tail.push(['bold', ' <<'], ['red', ` ${oneLine(flow.error.message)}`])
    else if (!response) tail.push(['bold', ' <<'], ['red', ' no response'])
    const fixed = client.length + 2 + method.length + 1 + versions.length
    const room = this.#room(fixed + tail.reduce((sum, [, text]) => sum + text.length, 0), LEAST_URL)
    const paint = this.#paint
    const end = tail.map(([style, text]) => (style ? paint(style, text) : text)).join('')
    const head = `${client}: ${paint(METHOD_STYLES[method] ?? 'boldMagenta', method)} ${paint('bold', cut(url, room))}${versions}`
    if (this.#detail < 2) return `${head}${end}\n`
    const messages = flow.websocket && this.#detail > 2 ? this.#webSocketMessages(flow, flow.websocket) : ''
    return `${head}\n${this.#process(flow)}${this.#message(flow, request)}${end}\n${response ? this.#message(flow, response) : ''}${messages}\n`
  }

  #statusParts(flow: HttpFlow, response: HttpResponse): [Style | undefined, string][] {
    const style = STATUS_STYLES[Math.floor(response.status / 100)] ?? 'bold'
    const reason = response.reason === '' ? '' : ` ${oneLine(response.reason)}`
    const size = flow.upgrade ? `(${oneLine(flow.upgrade)})` : sizeText(response.body.length)
    const time = durationText((flow.endedAt ?? response.endedAt ?? response.startedAt) - flow.createdAt)
    return [
      ['bold', ' <<'],
      [style, ` ${response.status}${reason}`],
      ['bold', ` ${size}`],
      ...(flow.websocket ? webSocketParts(flow.websocket) : []),
      ['dim', ` ${time}`],
    ]
  }

  /** The header fields of a message, and its body from flow_detail 3 on. */
  #message(flow: HttpFlow, message: HttpRequest | HttpResponse): string {
    let text = ''
    for (const [name, value] of [...message.headers, ...(message.trailers ?? [])]) {
      text += `    ${this.#paint('cyan', oneLine(name))}: ${oneLine(readable(value))}\n`
    }
    const { body } = message
    if (this.#detail < 3) return text
    const fromClient = message === flow.request
    if (body.length === 0) {
      // What a request without a body asks for is in its query.
      const query = fromClient && flow.request.path.includes('?') ? this.#content(flow, EMPTY, { fromClient }) : ''
      return query === '' ? text : `${text}\n${query}`
    }
    const error = message.decodeError
    const fault = error === undefined ? '' : `    (${oneLine(error)})\n`
    const kept = body.truncated
      ? `    (${sizeText(body.length)} in all: body_record_limit says how much is kept)\n`
      : ''
    const contentType = message.headers.get('content-type')
    const content = this.#content(flow, message.decodedContent, { fromClient, contentType })
    return `${text}\n${content}${fault}${kept}`
  }

  /** A body or a message as its view shows it. */
  #content(flow: AnyFlow, content: Buffer, metadata: Partial<ViewMetadata>): string {
    const path = flow.type === 'http' ? flow.request.path : undefined
    const options = { path, ...metadata, flow, view: this.#view, lines: this.#lines }
    return contentText(this.#views, content, this.#paint, options)
  }

  #dns(flow: DnsFlow): string {
    const { request, response } = flow
    const paint = this.#paint
    const questions = request.questions.map(({ type, name }) => `${typeName(type)} ${oneLine(name)}`).join(', ')
    const client = clientText(flow)
    const start = `${client}: ${paint('boldMagenta', 'DNS')} `
    const failed = flow.error?.message ?? (response && response.rcode !== 0 ? statusText(response) : undefined)
    const answers = response?.answers.map(recordText).join(', ') || 'no records'
    const room = this.#room(client.length + 2 + 4 + questions.length + 4, LEAST_URL)
    const told = cut(oneLine(failed ?? (response ? answers : 'no answer')), room)
    const isGood = failed === undefined && response !== undefined
    const line = `${start}${paint('bold', questions)}${paint('bold', ' <<')} ${paint(isGood ? 'cyan' : 'red', told)}\n`
    if (this.#detail < 2) return line
    const messages = [request, ...(response ? [response] : [])].map((message) => indented(messageText(message)))
    return `${line}${this.#process(flow)}${messages.join('\n')}\n`
  }

  #raw(flow: TcpFlow | UdpFlow): string {
    const paint = this.#paint
    const { client } = flow
    const tls = client.tls?.establishedAt === undefined ? flow.type : flow.type === 'tcp' ? 'tls' : 'dtls'
    const place = serverText(flow, this.#showhost)
    const bytes = ` >> ${sizeText(flow.bytesFromClient)} << ${sizeText(flow.bytesFromServer)}`
    const time = durationText((flow.endedAt ?? flow.createdAt) - flow.createdAt)
    const failure = flow.error ? `${paint('bold', ' <<')} ${paint('red', oneLine(flow.error.message))}` : ''
    const note = flow.comment === '' ? '' : ` ${paint('dim', `(${oneLine(flow.comment)})`)}`
    const ends = `${clientText(flow)} <-> ${paint('bold', place)}`
    const line = `${ends} ${paint('boldMagenta', tls)}${bytes} ${paint('dim', time)}${failure}${note}\n`
    if (this.#detail < 2) return line
    const head = `${line}${this.#process(flow)}`
    if (this.#detail < 3) return head
    const messages = flow.messages.map(({ fromClient, content }) => {
      return `${paint('bold', fromClient ? ' >>' : ' <<')} ${sizeText(content.length)}\n${this.#content(flow, content, { kind: flow.type, fromClient })}`
    })
    return `${head}${messages.join('')}${flow.truncated ? NOT_KEPT : ''}\n`
  }

  #webSocketMessages(flow: HttpFlow, { messages, truncated }: WebSocketData): string {
    const shown = messages.map((message) => {
      const { fromClient } = message
      const arrow = this.#paint('bold', fromClient ? ' >>' : ' <<')
      return `${arrow} ${headOf(message)}\n${this.#content(flow, message.content, { kind: 'websocket', fromClient })}`
    })
    return `${shown.join('')}${truncated ? NOT_KEPT : ''}`
  }

  /** The process of a client on this machine, as a line of its own. */
  #process({ client }: AnyFlow): string {
    if (!client.process) return ''
    const { pid, path, commandLine, container } = client.process
    const place = container === undefined ? '' : ` in container ${oneLine(container).slice(0, 12)}`
    return `    ${this.#paint('dim', `process ${pid}${place}: ${oneLine(commandLine || path || 'unknown')}`)}\n`
  }

  /** Characters left on a line beside `taken`; Infinity where the output is no terminal, or a flow has several lines. */
  #room(taken: number, least: number): number {
    const { columns } = this.#output
    return columns === undefined || this.#detail > 1 ? Number.POSITIVE_INFINITY : Math.max(least, columns - taken)
  }
}

const EMPTY = Buffer.alloc(0)

const NOT_KEPT = '    (the rest was not kept: body_record_limit says how much is)\n'

/** The bytes and, in brackets, the messages of each way; and how it was closed, where that was not in the usual way. */
function webSocketParts(data: WebSocketData): [Style | undefined, string][] {
  const { bytesFromClient, messagesFromClient, bytesFromServer, messagesFromServer, closeCode, closeReason } = data
  const up = ` >> ${sizeText(bytesFromClient)} (${messagesFromClient})`
  const down = ` << ${sizeText(bytesFromServer)} (${messagesFromServer})`
  const isUsual = closeCode === undefined || closeCode === NORMAL || closeCode === NO_STATUS
  const reason = closeReason === '' ? '' : ` ${oneLine(closeReason)}`
  return [
    [undefined, `${up}${down}`],
    ...(isUsual ? [] : [['yellow', ` closed ${closeCode}${reason}`] as [Style, string]]),
  ]
}

/** Close codes of a WebSocket that ends as it should: `normal`, and none (RFC 6455, 7.4.1). */
const NORMAL = 1000
const NO_STATUS = 1005

const METHOD_STYLES: Record<string, Style> = { GET: 'boldGreen', HEAD: 'boldGreen', DELETE: 'boldRed' }

const STATUS_STYLES: Record<number, Style> = {
  1: 'boldCyan',
  2: 'boldGreen',
  3: 'boldMagenta',
  4: 'boldYellow',
  5: 'boldRed',
}

/** A field's value as text: its characters are bytes, and those that are not ASCII are UTF-8 as a rule. */
function readable(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString()
  return text.includes('\ufffd') ? value : text
}

const indented = (text: string) =>
  text
    .split('\n')
    .map((line) => `    ${oneLine(line)}\n`)
    .join('')
