// What is done to flows that are selected: marks, replay, deletion, copies of their addresses.
import type { Answer } from '../shell/api.js'
import { change } from '../shell/api.js'
import { plural } from '../shell/format.js'
import { notice } from '../shell/notices.js'

export type Action = 'resume' | 'kill' | 'intercept' | 'replay' | 'duplicate' | 'revert' | 'delete' | 'mark' | 'comment'

const DONE: Record<Action, string> = {
  resume: 'resumed',
  kill: 'ended',
  intercept: 'held at the next step',
  replay: 'sent again',
  duplicate: 'copied',
  revert: 'brought back',
  delete: 'deleted',
  mark: 'marked',
  comment: 'commented',
}

/** mitmproxy's names of marks, and how the page colours them. */
export const MARKS = [
  ':red_circle:',
  ':orange_circle:',
  ':yellow_circle:',
  ':green_circle:',
  ':blue_circle:',
  ':purple_circle:',
] as const

export const colourOf = (mark: string) => /^:(\w+)_circle:$/.exec(mark)?.[1] ?? (mark ? 'blue' : '')

export async function act(ids: Iterable<string>, action: Action, text?: string): Promise<void> {
  const flows = { ids: [...ids] }
  if (flows.ids.length === 0) return
  await attempt(async () => {
    const body = { flows, action, ...(text !== undefined && { text }) }
    const answer = await change<Answer<'chooseFlows'>>('POST', '/flows/action', body)
    notice(`${plural(answer.flows, 'flow')} ${action === 'mark' && text === '' ? 'unmarked' : DONE[action]}`)
  })
}

/** Does it, and says what has gone wrong. */
export async function attempt(action: () => Promise<unknown>): Promise<void> {
  try {
    await action()
  } catch (error) {
    notice(error instanceof Error ? error.message : String(error), true)
  }
}

export const copy = (text: string, label: string) =>
  attempt(async () => {
    await navigator.clipboard.writeText(text)
    notice(`${label} copied`)
  })
