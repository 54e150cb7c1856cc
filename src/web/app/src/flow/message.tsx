// A request or a response: the line, the fields, the query and cookies, and the body.
import type { Flow } from '../shell/api.js'
import { Body } from './body.js'

type Request = NonNullable<Flow['request']>
type Response = NonNullable<Flow['response']>
type Pairs = readonly (readonly [string, string])[]

export function RequestView({ flow, request }: { flow: Flow; request: Request }) {
  const query = queryOf(request.path)
  return (
    <section class="message" aria-label="Request">
      <h2>Request</h2>
      <p class="first">
        <b>{request.method}</b> {request.url} <span class="faint">HTTP/{request.version}</span>
      </p>
      <Pairs title="Query" pairs={query} open />
      <Pairs title="Cookies" pairs={cookiesOf(request.headers)} />
      <Common flow={flow} part="request" message={request} />
    </section>
  )
}

export function ResponseView({ flow, response }: { flow: Flow; response: Response | undefined }) {
  if (!response) {
    const why = flow.error?.message ?? (flow.live ? 'No response yet.' : 'There was no response.')
    return (
      <section class="message" aria-label="Response">
        <h2>Response</h2>
        <p class={flow.error ? 'bad' : 'faint'}>{why}</p>
      </section>
    )
  }
  return (
    <section class="message" aria-label="Response">
      <h2>Response</h2>
      <p class="first" data-kind={`s${Math.floor(response.status / 100)}`}>
        <b data-column="status">{response.status}</b> {response.reason}{' '}
        <span class="faint">HTTP/{response.version}</span>
      </p>
      {flow.error && <p class="bad">{flow.error.message}</p>}
      <Common flow={flow} part="response" message={response} />
    </section>
  )
}

function Common({ flow, part, message }: { flow: Flow; part: 'request' | 'response'; message: Request | Response }) {
  const { length, recorded } = message.body
  return (
    <>
      <Pairs title="Header fields" pairs={message.headers} open />
      <Pairs title="Trailer fields" pairs={message.trailers ?? []} open />
      {message.irregularities.map((text) => (
        <p key={text} class="warn">
          {text}
        </p>
      ))}
      <Body
        path={`/flows/${encodeURIComponent(flow.id)}/${part}`}
        name={`${part} body`}
        length={length}
        recorded={recorded}
        version={`${flow.modified} ${recorded}`}
      />
    </>
  )
}

function Pairs({ title, pairs, open = false }: { title: string; pairs: Pairs; open?: boolean }) {
  if (pairs.length === 0) return null
  return (
    <details open={open}>
      <summary>
        {title} <span class="faint">{pairs.length}</span>
      </summary>
      <table class="pairs">
        <tbody>
          {pairs.map(([name, value], at) => (
            <tr key={at}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

function queryOf(path: string): Pairs {
  const at = path.indexOf('?')
  return at < 0 ? [] : [...new URLSearchParams(path.slice(at + 1))]
}

function cookiesOf(headers: Pairs): Pairs {
  return headers
    .filter(([name]) => name.toLowerCase() === 'cookie')
    .flatMap(([, value]) => value.split(/;\s*/))
    .filter(Boolean)
    .map((pair) => {
      const at = pair.indexOf('=')
      return at < 0 ? ['', pair] : [pair.slice(0, at), pair.slice(at + 1)]
    })
}
