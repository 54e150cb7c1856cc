// A request or a response: the line, the fields, the query, cookies and the form, and the body.
import type { Flow } from '../shell/api.js'
import { Body } from './body.js'
import { Form, isForm } from './form.js'
import { cookiesOf, fieldOf, Pairs, queryOf, setCookiesOf } from './pairs.js'

type Request = NonNullable<Flow['request']>
type Response = NonNullable<Flow['response']>

export function RequestView({ flow, request }: { flow: Flow; request: Request }) {
  return (
    <section class="message" aria-label="Request">
      <h2>Request</h2>
      <p class="first">
        <b>{request.method}</b> {request.url} <span class="faint">HTTP/{request.version}</span>
      </p>
      <Pairs title="Query" pairs={queryOf(request)} open />
      <Pairs title="Cookies" pairs={cookiesOf(request.headers)} open />
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
      <Pairs title="Cookies set" pairs={setCookiesOf(response.headers)} open />
      <Common flow={flow} part="response" message={response} />
    </section>
  )
}

function Common({ flow, part, message }: { flow: Flow; part: 'request' | 'response'; message: Request | Response }) {
  const { length, recorded } = message.body
  const path = `/flows/${encodeURIComponent(flow.id)}/${part}`
  const type = fieldOf(message.headers, 'content-type')
  const encoding = fieldOf(message.headers, 'content-encoding')
  const version = `${flow.modified} ${recorded} ${message.endedAt ?? ''}`
  return (
    <>
      <Pairs title="Header fields" pairs={message.headers} open />
      <Pairs title="Trailer fields" pairs={message.trailers ?? []} open />
      {message.irregularities.map((text) => (
        <p key={text} class="warn">
          {text}
        </p>
      ))}
      {isForm(type) && <Form path={path} length={recorded} version={version} />}
      <Body
        shown={part}
        path={path}
        name={`${part} body`}
        length={length}
        recorded={recorded}
        version={version}
        type={type}
        isEncoded={encoding !== '' && encoding.toLowerCase() !== 'identity'}
      />
    </>
  )
}
