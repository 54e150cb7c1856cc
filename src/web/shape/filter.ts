// Where a filter is wrong, by the error that it has given.
import type { MidwireError } from '../../index.js'

export function filterFault({ message }: MidwireError): { message: string; at: number | undefined } {
  const [first = ''] = message.split('\n')
  const [, text = first, character] = /^(?:filter: )?(.*?)(?: \(character (\d+)\))?$/.exec(first) ?? []
  return { message: text, at: character === undefined ? undefined : Number(character) - 1 }
}
