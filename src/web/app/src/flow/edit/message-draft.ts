// Messages that wait, while they are edited: what is typed of each, as text or as hexadecimal digits, and the change that this is.
import { signal } from '@preact/signals'
import type { Message } from '../../shell/api.js'
import { bytesOfHex, digitsOf } from '../hex.js'
import { base64Of } from './base64.js'

export type Form = 'text' | 'hex'

export interface MessageDraft {
  readonly form: Form
  readonly typed: string
  readonly original: Uint8Array
  readonly drop: boolean
}

/** By the keys of their messages: they stay while other parts of the flow are looked at. */
export const messageDrafts = signal<ReadonlyMap<string, MessageDraft>>(new Map())

export const keyOf = (flow: string, { index, timestamp }: Message) => `${flow} ${index} ${timestamp}`

/** As text where the message is one. */
export function begun(bytes: Uint8Array): MessageDraft {
  const text = textOf(bytes)
  const shown =
    text === undefined ? ({ form: 'hex', typed: digitsOf(bytes) } as const) : ({ form: 'text', typed: text } as const)
  return { ...shown, original: bytes, drop: false }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Undefined for digits that are none. */
const bytesOf = ({ form, typed }: MessageDraft) =>
  form === 'text' ? new TextEncoder().encode(typed) : bytesOfHex(typed)

/** The same bytes in the other form. Throws an Error where they cannot be in it. */
export function turned(draft: MessageDraft, form: Form): MessageDraft {
  const bytes = bytesOf(draft)
  if (!bytes) throw new Error(WRONG_DIGITS)
  const typed = form === 'hex' ? digitsOf(bytes) : textOf(bytes)
  if (typed === undefined) throw new Error('These bytes are no text')
  return { ...draft, form, typed }
}

const WRONG_DIGITS = 'Two hexadecimal digits are a byte: 00 to ff'

/** The change as the API takes it; undefined for none. Throws an Error for digits that are none. */
export function changeOf(index: number, draft: MessageDraft) {
  if (draft.drop) return { index, drop: true }
  const bytes = bytesOf(draft)
  if (!bytes) throw new Error(WRONG_DIGITS)
  const base64 = base64Of(bytes)
  return base64 === base64Of(draft.original) ? undefined : { index, content: { base64 } }
}
