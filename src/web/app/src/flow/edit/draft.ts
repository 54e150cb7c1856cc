// A message that is being edited: what its form holds, and the changes that this is.
import { signal } from '@preact/signals'
import type { Flow } from '../../shell/api.js'
import type { Pair } from '../pairs.js'

export type Part = 'request' | 'response'

/** The body that a person wants; undefined: the body stays as it is. */
export type Content = { readonly text: string } | { readonly base64: string } | undefined

export interface Draft {
  /** The flow and the part that it is of. */
  readonly key: string
  readonly part: Part
  readonly method: string
  readonly url: string
  readonly status: string
  readonly reason: string
  readonly fields: readonly Pair[]
  readonly content: Content
}

/** The last one: it stays while other parts of its flow are looked at. */
export const draft = signal<Draft | undefined>(undefined)

export const keyOf = ({ id }: Flow, part: Part) => `${id} ${part}`

/** The message as it is. A response that there is none of yet begins as an empty one. */
export function begun(flow: Flow, part: Part): Draft {
  const { request, response } = flow
  const message = flow[part]
  return {
    key: keyOf(flow, part),
    part,
    method: request?.method ?? '',
    url: request?.url ?? '',
    status: String(response?.status ?? 200),
    reason: response?.reason ?? '',
    fields: message?.headers ?? (part === 'response' ? [['content-type', 'text/plain']] : []),
    content: undefined,
  }
}

const same = (a: readonly Pair[], b: readonly Pair[]) => JSON.stringify(a) === JSON.stringify(b)

const hostOf = (url: string) => {
  try {
    return new URL(url).host
  } catch {
    return ''
  }
}

/** The Host field goes with the URL, unless it was edited, too. */
function fieldsOf(now: Draft, before: Draft): readonly Pair[] {
  const [to, from] = [hostOf(now.url), hostOf(before.url)]
  if (to === '' || to === from) return now.fields
  return now.fields.map(([name, value]) => [name, name.toLowerCase() === 'host' && value === from ? to : value])
}

/** The changes as the API takes them; undefined for none. */
export function changesOf(flow: Flow, now: Draft) {
  const before = begun(flow, now.part)
  const fields = fieldsOf(now, before).filter(([name]) => name.trim() !== '')
  const parts = {
    ...(now.part === 'request' && now.method !== before.method && { method: now.method }),
    ...(now.part === 'request' && now.url !== before.url && { url: now.url }),
    ...(now.part === 'response' && (now.status !== before.status || !flow.response) && { status: Number(now.status) }),
    ...(now.part === 'response' && now.reason !== before.reason && { reason: now.reason }),
    ...((!same(fields, before.fields) || !flow[now.part]) && { fields }),
    ...(now.content && { content: now.content }),
  }
  return Object.keys(parts).length > 0 ? parts : undefined
}
