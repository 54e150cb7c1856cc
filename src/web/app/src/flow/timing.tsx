// When the phases of a flow were, as a waterfall: the two connections, their TLS, the request, the wait, the response.
import type { Flow } from '../shell/api.js'
import { dateTime, duration } from '../shell/format.js'

interface Phase {
  readonly name: string
  readonly kind: 'connect' | 'tls' | 'body' | 'wait'
  readonly from: number
  readonly to: number
}

/** The phases whose ends are both known, the earliest first. */
export function phasesOf({ client, server, request, response }: Flow): Phase[] {
  const phases: Phase[] = []
  const add = (name: string, kind: Phase['kind'], from: number | undefined, to: number | undefined) => {
    if (from !== undefined && to !== undefined && to >= from) phases.push({ name, kind, from, to })
  }
  add('TLS with the client', 'tls', client.openedAt, client.tls?.establishedAt)
  add('Request', 'body', request?.startedAt, request?.endedAt)
  // Where the connection was opened for this request, that is what came first.
  const opened = server?.openedAt
  if (request && opened !== undefined && opened > request.startedAt)
    add('Connection to the server', 'connect', request.startedAt, opened)
  add('TLS with the server', 'tls', opened, server?.tls?.establishedAt)
  const asked = [request?.endedAt ?? request?.startedAt, opened, server?.tls?.establishedAt]
  const ready = Math.max(...asked.map((at) => at ?? 0))
  add('Wait for the response', 'wait', ready > 0 ? ready : undefined, response?.startedAt)
  add('Response', 'body', response?.startedAt, response?.endedAt)
  return phases.toSorted((a, b) => a.from - b.from)
}

export function Timing({ flow }: { flow: Flow }) {
  const phases = phasesOf(flow)
  const from = Math.min(flow.createdAt, ...phases.map((phase) => phase.from))
  const to = Math.max(flow.endedAt ?? from, ...phases.map((phase) => phase.to))
  const share = (at: number) => `${(100 * (at - from)) / Math.max(1, to - from)}%`
  return (
    <section aria-label="Timing">
      <p class="faint">
        Began {dateTime(flow.createdAt)};{' '}
        {flow.endedAt === undefined ? 'not over' : `over after ${duration(flow.endedAt - flow.createdAt)}`}. A
        connection that was used before began earlier.
      </p>
      <table class="waterfall">
        <tbody>
          {phases.map((phase) => (
            <tr key={phase.name}>
              <th scope="row">{phase.name}</th>
              <td>
                <i
                  aria-hidden="true"
                  data-kind={phase.kind}
                  style={{
                    left: share(phase.from),
                    width: `max(2px, calc(${share(phase.to)} - ${share(phase.from)}))`,
                  }}
                />
              </td>
              <td>{duration(phase.to - phase.from)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
