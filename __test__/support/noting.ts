// An addon that notes every hook and what it was given.
import { type Addon, type HookName, HttpFlow, TcpFlow } from '../../src/index.js'

const HOOKS = [
  ...['client_connected', 'client_disconnected', 'server_connect', 'server_connected', 'server_connect_error'],
  ...['server_disconnected', 'tls_clienthello', 'tls_established_client', 'tls_established_server'],
  ...['tls_failed_client', 'tls_failed_server', 'http_connect', 'requestheaders', 'request', 'responseheaders'],
  ...['response', 'error', 'tcp_start', 'tcp_message', 'tcp_end', 'tcp_error'],
] as HookName[]

/** What a flow has at a hook, in one line. */
function stateOf(subject: unknown): string {
  if (subject instanceof HttpFlow) {
    const { request, response, error, live } = subject
    const answer = response ? ` -> ${response.status} ${response.content}` : ''
    const place = request.method === 'CONNECT' ? '' : request.path
    return ` ${request.method} ${place} ${request.content}${answer}${error ? ' !' : ''}${live ? '' : ' over'}`
  }
  if (subject instanceof TcpFlow)
    return ` ${subject.messages.length} ${subject.last?.content ?? ''}${subject.error ? '!' : ''}`
  return ''
}

/** One line a hook, in order; `seen` waits for the first of a name. */
export function noting(): {
  addon: Addon
  noted: string[]
  subjects: Map<HookName, unknown>
  seen(name: HookName): Promise<void>
} {
  const noted: string[] = []
  const subjects = new Map<HookName, unknown>()
  const waiting: [HookName, () => void][] = []
  const addon = Object.fromEntries(
    HOOKS.map((name) => [
      name,
      (subject: unknown) => {
        noted.push(`${name}${stateOf(subject)}`.replace(/ +/g, ' ').trim())
        subjects.set(name, subject)
        for (const [awaited, settle] of waiting) if (awaited === name) settle()
      },
    ]),
  )
  const seen = (name: HookName) =>
    new Promise<void>((settle) => {
      if (subjects.has(name)) settle()
      else waiting.push([name, settle])
    })
  return { addon, noted, subjects, seen }
}
