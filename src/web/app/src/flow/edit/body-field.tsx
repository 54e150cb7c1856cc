// The body in a form: it stays as it is until it is edited as text, or a file is put in its place.
import { useSignal } from '@preact/signals'
import { getBytes } from '../../shell/api.js'
import { size } from '../../shell/format.js'
import { base64Of } from './base64.js'
import type { Content } from './draft.js'
import { TextEditor } from './text-editor.js'

interface Props {
  /** The path of the body in the API. */
  readonly path: string
  readonly length: number
  readonly recorded: number
  readonly type: string
  readonly content: Content
  readonly onChange: (content: Content) => void
}

/** Bytes of a body that is edited as text. */
const MOST_BYTES = 4 << 20

export function BodyField({ path, length, recorded, type, content, onChange }: Props) {
  const failure = useSignal('')
  const edit = async () => {
    failure.value = ''
    try {
      const bytes = length > 0 ? await getBytes(`${path}/content`) : new Uint8Array()
      onChange({ text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) })
    } catch (error) {
      failure.value = error instanceof TypeError ? 'The body is no text: put a file in its place.' : String(error)
    }
  }
  const take = async (file: File | undefined) => {
    if (file) onChange({ base64: base64Of(new Uint8Array(await file.arrayBuffer())) })
  }
  const isWhole = recorded >= length
  return (
    <fieldset class="body-field">
      <legend>Body</legend>
      <div class="bar">
        {content === undefined && (
          <>
            <span class="faint">
              {length === 0 ? 'None.' : `${size(length)}, as it is${isWhole ? '' : `; ${size(recorded)} recorded`}.`}
            </span>
            {isWhole && length <= MOST_BYTES && (
              <button type="button" onClick={() => void edit()}>
                {length === 0 ? 'Write a body' : 'Edit the body'}
              </button>
            )}
          </>
        )}
        {content && 'base64' in content && (
          <span class="faint">A file of {size(Math.floor((content.base64.length * 3) / 4))}.</span>
        )}
        <label class="file">
          <span>File</span>
          <input
            type="file"
            aria-label="A file as the body"
            onChange={(event) => void take(event.currentTarget.files?.[0])}
          />
        </label>
        {content && (
          <button type="button" class="quiet" onClick={() => onChange(undefined)}>
            Leave the body as it is
          </button>
        )}
      </div>
      {failure.value && <p class="bad">{failure.value}</p>}
      {content && 'text' in content && (
        <TextEditor text={content.text} type={type} label="Body" onChange={(text) => onChange({ text })} />
      )}
    </fieldset>
  )
}
