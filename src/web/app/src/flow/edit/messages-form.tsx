// The messages that wait: each is edited as text or as bytes, or dropped, and all go on together.
import './edit.css'
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { attempt } from '../../flows/actions.js'
import { change, type Flow, getBytes, type Message } from '../../shell/api.js'
import { plural, size } from '../../shell/format.js'
import { useKeys } from '../../shell/keys.js'
import { notice } from '../../shell/notices.js'
import { begun, changeOf, keyOf, type MessageDraft, messageDrafts, turned } from './message-draft.js'
import { TextEditor } from './text-editor.js'

const addressOf = ({ id }: Flow) => `/flows/${encodeURIComponent(id)}`

export function EditMessages({ flow }: { flow: Flow }) {
  const waiting = flow.waiting ?? []
  const goOn = () =>
    attempt(async () => {
      const messages = waiting.flatMap((message) => {
        const draft = messageDrafts.value.get(keyOf(flow.id, message))
        return (draft && changeOf(message.index, draft)) ?? []
      })
      await change('POST', `${addressOf(flow)}/resume`, messages.length > 0 ? { messages } : undefined)
      messageDrafts.value = new Map()
      notice(messages.length > 0 ? 'goes on with the changes' : 'goes on')
    })
  useKeys('Edit', [
    { key: 'Ctrl+Enter', does: 'Let it go on', typing: true, run: () => void (waiting.length > 0 && goOn()) },
  ])
  if (waiting.length === 0) return <p class="faint">No message waits now.</p>
  return (
    <form
      class="edit"
      aria-label="Edit the messages that wait"
      onSubmit={(event) => {
        event.preventDefault()
        void goOn()
      }}
    >
      {waiting.map((message) => (
        <OneMessage key={keyOf(flow.id, message)} flow={flow} message={message} />
      ))}
      <div class="bar ends">
        <button type="submit" class="main">
          {waiting.length === 1 ? 'Go on with this' : `Go on with these ${plural(waiting.length, 'message')}`}
        </button>
      </div>
    </form>
  )
}

function OneMessage({ flow, message }: { flow: Flow; message: Message }) {
  const { index, fromClient, kind, length } = message
  const key = keyOf(flow.id, message)
  const failure = useSignal('')
  const draft = messageDrafts.value.get(key)
  const put = (next: MessageDraft) => {
    messageDrafts.value = new Map([...messageDrafts.value, [key, next]])
  }
  useEffect(() => {
    if (messageDrafts.value.has(key)) return
    getBytes(`${addressOf(flow)}/messages/${index}/content`).then(
      (bytes) => put(begun(bytes)),
      (error: Error) => {
        failure.value = error.message
      },
    )
  }, [key])
  const turn = (to: MessageDraft['form']) => {
    if (!draft) return
    try {
      put(turned(draft, to))
      failure.value = ''
    } catch (error) {
      failure.value = (error as Error).message
    }
  }
  const name = `Message ${index + 1}`
  return (
    <fieldset>
      <legend>
        {name}, from the {fromClient ? 'client' : 'server'}: {kind}, {size(length)}
      </legend>
      {draft && (
        <div class="bar">
          {kind !== 'text' && (
            <div class="choice" role="group" aria-label={`How ${name} is edited`}>
              {(['text', 'hex'] as const).map((form) => (
                <button key={form} type="button" aria-pressed={draft.form === form} onClick={() => turn(form)}>
                  {form === 'text' ? 'Text' : 'Hex'}
                </button>
              ))}
            </div>
          )}
          <label>
            <input
              type="checkbox"
              checked={draft.drop}
              onChange={(event) => put({ ...draft, drop: event.currentTarget.checked })}
            />{' '}
            Drop it
          </label>
        </div>
      )}
      {failure.value && (
        <p class="bad" role="alert">
          {failure.value}
        </p>
      )}
      {draft && !draft.drop && (
        <TextEditor
          key={draft.form}
          text={draft.typed}
          type={draft.form === 'text' ? '' : 'text/plain'}
          label={name}
          onChange={(typed) => {
            const now = messageDrafts.value.get(key)
            if (now) put({ ...now, typed })
          }}
        />
      )}
    </fieldset>
  )
}
