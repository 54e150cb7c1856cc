// The commands `flow.*` and `inject.*`: what is done to flows by name. Flows that are changed can be brought back as they were.
import { type CommandDefinitions, command } from '../commands.js'
import { MidwireError } from '../errors.js'
import type { Flow } from '../flow/flow.js'
import { HttpFlow, type HttpRequest, type HttpResponse } from '../flow/http.js'
import { TcpFlow, UdpFlow } from '../flow/messages.js'
import type { Backups } from './flow-backup.js'

const FLOWS = { name: 'flows', type: 'flows' } as const
const PART = { name: 'part', type: 'choice', choices: ['request', 'response'] } as const
const CODINGS = ['gzip', 'deflate', 'br', 'zstd'] as const
/** What mitmproxy marks flows with where nothing is said. */
const MARK = ':default:'

/** `update` is called with the flows that a command has changed. */
export function flowCommands(update: (flows: never[]) => void, backups: Backups): CommandDefinitions {
  /** Changes flows one after the other, each after a copy of it was kept, and says so. */
  const change = <F extends Flow>(flows: readonly F[], work: (flow: F) => void) => {
    try {
      for (const flow of flows) {
        backups.keep(flow)
        work(flow)
      }
    } finally {
      update(flows as never[])
    }
  }
  const act = <F extends Flow>(flows: readonly F[], work: (flow: F) => void) => {
    for (const flow of flows) work(flow)
    update(flows as never[])
  }
  return {
    'flow.resume': command({
      help: 'let intercepted flows go on',
      arguments: [FLOWS],
      run: (flows) =>
        act(
          flows.filter(({ intercepted }) => intercepted),
          (flow) => flow.resume(),
        ),
    }),
    'flow.kill': command({
      help: 'end flows that run',
      arguments: [FLOWS],
      run: (flows) =>
        act(
          flows.filter(({ live }) => live),
          (flow) => flow.kill(),
        ),
    }),
    'flow.mark': command({
      help: 'mark flows with a text such as :star:, or with nothing, which takes the mark away',
      arguments: [FLOWS, { name: 'mark', type: 'text' }],
      run: (flows, mark) => change(flows, (flow) => void Object.assign(flow, { marked: mark })),
    }),
    'flow.mark.toggle': command({
      help: 'mark flows that have no mark, and take the mark of others away',
      arguments: [FLOWS],
      run: (flows) => change(flows, (flow) => void Object.assign(flow, { marked: flow.marked ? '' : MARK })),
    }),
    'flow.comment': command({
      help: 'set the comment of flows',
      arguments: [FLOWS, { name: 'comment', type: 'text' }],
      run: (flows, comment) => change(flows, (flow) => void Object.assign(flow, { comment })),
    }),
    'flow.set': command({
      help: 'set a part of HTTP flows; those that have no such part are left out',
      arguments: [
        FLOWS,
        { name: 'attribute', type: 'choice', choices: Object.keys(SETTERS) },
        { name: 'value', type: 'text' },
      ],
      run(flows, attribute, value) {
        const set = SETTERS[attribute] as Setter
        change(flows.filter(isHttp), (flow) => set(flow, value))
      },
    }),
    'flow.encode': command({
      help: 'put the body of requests or responses into a content coding, where it is in none',
      arguments: [FLOWS, PART, { name: 'encoding', type: 'choice', choices: CODINGS }],
      run: (flows, part, encoding) =>
        change(withBody(flows, part), (flow) => encode(flow[part] as HttpResponse, encoding)),
    }),
    'flow.decode': command({
      help: 'take the content coding from the body of requests or responses',
      arguments: [FLOWS, PART],
      run: (flows, part) => change(withBody(flows, part), (flow) => decode(flow[part] as HttpResponse)),
    }),
    'flow.revert': command({
      help: 'bring flows back as they were before commands changed them',
      arguments: [FLOWS],
      run: (flows) => {
        const changed = flows.filter((flow) => backups.has(flow))
        act(changed, (flow) => backups.bringBack(flow))
      },
    }),
    'inject.websocket': command({
      help: 'send a WebSocket message to the client or to the server; is_text: false for a binary one',
      arguments: [
        { name: 'flow', type: 'flow' },
        { name: 'to_client', type: 'boolean' },
        { name: 'message', type: 'text' },
        { name: 'is_text', type: 'boolean', optional: true },
      ],
      run(flow, toClient, message, isText = true) {
        if (!isHttp(flow) || !flow.websocket || !flow.live) throw wrong('the flow is no WebSocket that is open')
        flow.inject(toClient ? 'client' : 'server', isText ? message : Buffer.from(message))
      },
    }),
    'inject.tcp': injectRaw('bytes of TCP', TcpFlow),
    'inject.udp': injectRaw('a datagram', UdpFlow),
  }
}

const injectRaw = (what: string, kind: typeof TcpFlow | typeof UdpFlow) =>
  command({
    help: `send ${what} to the client or to the server`,
    arguments: [
      { name: 'flow', type: 'flow' },
      { name: 'to_client', type: 'boolean' },
      { name: 'message', type: 'text' },
    ],
    run(flow, toClient, message) {
      if (!(flow instanceof kind) || !flow.live) throw wrong(`the flow carries no ${what}, or is over`)
      flow.inject(toClient ? 'client' : 'server', message)
    },
  })

type Setter = (flow: HttpFlow, value: string) => void

/** What `flow.set` sets, by mitmproxy's names. */
const SETTERS: Readonly<Record<string, Setter>> = {
  host({ request }, value) {
    request.host = value
  },
  method({ request }, value) {
    request.method = value
  },
  path({ request }, value) {
    request.path = value
  },
  reason({ response }, value) {
    if (response) response.reason = value
  },
  status_code({ response }, value) {
    const status = Number(value)
    if (!/^[1-9]\d\d$/.test(value)) throw wrong(`${JSON.stringify(value)} is no status: a number from 100 to 999`)
    if (response) response.status = status
  },
  url({ request }, value) {
    request.url = value
  },
}

const isHttp = (flow: Flow): flow is HttpFlow => flow instanceof HttpFlow

const withBody = (flows: readonly Flow[], part: 'request' | 'response'): HttpFlow[] =>
  flows.filter(isHttp).filter((flow) => flow[part] !== undefined)

function encode(message: HttpRequest | HttpResponse, encoding: string): void {
  if (message.headers.has('content-encoding')) return
  const plain = message.content
  message.headers.set('content-encoding', encoding)
  try {
    message.decodedContent = plain
  } catch (error) {
    message.headers.delete('content-encoding')
    throw error
  }
}

function decode(message: HttpRequest | HttpResponse): void {
  if (!message.headers.has('content-encoding')) return
  const { decodedContent, decodeError } = message
  if (decodeError !== undefined) throw wrong(decodeError)
  message.content = decodedContent
  message.headers.delete('content-encoding')
}

const wrong = (text: string) => new MidwireError('ERR_COMMAND', text)
