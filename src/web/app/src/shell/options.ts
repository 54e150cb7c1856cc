// The options of the proxy as they are now, kept up by the server.
import { effect, signal } from '@preact/signals'
import { type Answer, change, get, type Option } from './api.js'
import { connection, followTopic, onMessage } from './connection.js'

export const options = signal<ReadonlyMap<string, Option>>(new Map())

const put = (changed: readonly Option[]) => {
  const next = new Map(options.value)
  for (const option of changed) next.set(option.name, option)
  options.value = next
}

/** Begins to keep them up. */
export function followOptions(): void {
  onMessage('options', (message) => put(message.options))
  followTopic('options')
  effect(() => {
    if (connection.value !== 'open') return
    void get<Answer<'listOptions'>>('/options').then(
      (answer) => put(answer.options),
      () => undefined,
    )
  })
}

/** The value of an option that is a text; empty for none. */
export const textOf = (name: string): string => {
  const value = options.value.get(name)?.value
  return typeof value === 'string' ? value : ''
}

/** Changes all of them or none. Null brings a default back. Rejects where a value is refused. */
export async function setOptions(values: Record<string, Option['value'] | null>): Promise<void> {
  const answer = await change<Answer<'setOptions'>>('PATCH', '/options', values)
  put(answer.options)
}

export const setOption = (name: string, value: Option['value'] | null) => setOptions({ [name]: value })
