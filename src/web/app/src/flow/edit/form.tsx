// Edit and resend: a request that was recorded is sent again with changes; a request or a response that waits goes on with them.
import './edit.css'
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { attempt } from '../../flows/actions.js'
import { type Answer, change, type Flow } from '../../shell/api.js'
import { useKeys } from '../../shell/keys.js'
import { notice } from '../../shell/notices.js'
import { go, parts, path, withQuery } from '../../shell/router.js'
import { fieldOf } from '../pairs.js'
import { BodyField } from './body-field.js'
import { begun, changesOf, type Draft, draft, keyOf, type Part } from './draft.js'
import { Fields } from './fields.js'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

const addressOf = ({ id }: Flow) => `/flows/${encodeURIComponent(id)}`

/** The part that can still be changed, and the answer that stands in for a server's. */
function partsOf({ intercepted, response }: Flow): readonly Part[] {
  if (!intercepted) return ['request']
  return response ? ['response'] : ['request', 'response']
}

export function Edit({ flow }: { flow: Flow }) {
  const sending = useSignal(false)
  const possible = partsOf(flow)
  const current = draft.value
  const part = current && possible.includes(current.part) ? current.part : (possible[0] ?? 'request')
  const key = keyOf(flow, part)
  const own = current?.key === key ? current : begun(flow, part)
  useEffect(() => {
    if (draft.value?.key !== key) draft.value = begun(flow, part)
  }, [key])
  const put = (changed: Partial<Draft>) => {
    draft.value = { ...own, ...changed }
  }
  const done = () => {
    draft.value = undefined
  }

  const goOn = () =>
    attempt(async () => {
      const changes = changesOf(flow, own)
      if (changes) await change('PATCH', addressOf(flow), { [part]: changes })
      await change('POST', `${addressOf(flow)}/resume`)
      done()
      notice(changes ? 'goes on with the changes' : 'goes on')
    })
  const send = () =>
    attempt(async () => {
      sending.value = true
      try {
        const request = changesOf(flow, own)
        const answer = await change<Answer<'replayFlow'>>(
          'POST',
          `${addressOf(flow)}/replay`,
          request ? { request } : {},
        )
        done()
        // Whoever has gone elsewhere stays there.
        if (parts.value[1] === flow.id && parts.value[2] === 'edit') go(withQuery(path('flows', answer.id)))
        else notice('The answer has come: it is in the list')
      } finally {
        sending.value = false
      }
    })
  const save = () =>
    attempt(async () => {
      const changes = changesOf(flow, own)
      if (changes) await change('PATCH', addressOf(flow), { [part]: changes })
      done()
      notice(changes ? 'the flow was changed' : 'nothing was changed')
    })
  const main = flow.intercepted ? goOn : send
  useKeys('Edit', [
    {
      key: 'Ctrl+Enter',
      does: 'Send it, or let it go on',
      typing: true,
      run: () => void (sending.value || main()),
    },
  ])

  const message = flow[part]
  return (
    <form
      class="edit"
      aria-label={`Edit the ${part}`}
      onSubmit={(event) => {
        event.preventDefault()
        void main()
      }}
    >
      {possible.length > 1 && (
        <div class="choice" role="group" aria-label="What is edited">
          {possible.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === part}
              onClick={() => {
                draft.value = begun(flow, one)
              }}
            >
              {one === 'request' ? 'The request' : 'Answer it myself'}
            </button>
          ))}
        </div>
      )}
      {part === 'request' ? <RequestLine own={own} put={put} /> : <StatusLine own={own} put={put} />}
      <Fields fields={own.fields} onChange={(fields) => put({ fields })} />
      <BodyField
        key={key}
        path={`${addressOf(flow)}/${part}`}
        length={message?.body.length ?? 0}
        recorded={message?.body.recorded ?? 0}
        type={fieldOf(own.fields, 'content-type')}
        content={own.content}
        onChange={(content) => put({ content })}
      />
      <div class="bar ends">
        <button type="submit" class="main" disabled={sending.value}>
          {flow.intercepted ? 'Go on with this' : sending.value ? 'Sending' : 'Send'}
        </button>
        {!flow.intercepted && !flow.live && (
          <button type="button" onClick={() => void save()}>
            Save in this flow
          </button>
        )}
        <button type="button" class="quiet" onClick={() => put({ ...begun(flow, part) })}>
          Undo the changes
        </button>
      </div>
    </form>
  )
}

interface LineProps {
  readonly own: Draft
  readonly put: (changed: Partial<Draft>) => void
}

function RequestLine({ own, put }: LineProps) {
  return (
    <div class="line">
      <input
        class="short"
        aria-label="Method"
        list="methods"
        value={own.method}
        spellcheck={false}
        onInput={(event) => put({ method: event.currentTarget.value })}
      />
      <datalist id="methods">
        {METHODS.map((method) => (
          <option key={method} value={method} />
        ))}
      </datalist>
      <input
        type="text"
        inputMode="url"
        aria-label="URL"
        value={own.url}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => put({ url: event.currentTarget.value })}
      />
    </div>
  )
}

function StatusLine({ own, put }: LineProps) {
  return (
    <div class="line">
      <input
        class="short"
        type="number"
        min={100}
        max={999}
        aria-label="Status"
        value={own.status}
        onInput={(event) => put({ status: event.currentTarget.value })}
      />
      <input
        aria-label="Reason"
        value={own.reason}
        placeholder="Reason"
        onInput={(event) => put({ reason: event.currentTarget.value })}
      />
    </div>
  )
}
