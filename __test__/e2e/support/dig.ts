// dig, and what it has printed of an answer.
import type { Device } from './device.js'

export interface Answer {
  status: string
  flags: string[]
  /** The first line of the question section: name, class and type. */
  question: string
  /** The names of the records of the answer section, in its order. */
  names: string[]
  /** The data of the answer section, sorted. */
  data: string[]
  /** Octets. */
  size: number
  text: string
}

/** Asks once; `+tries=1` and 5 s unless `args` say otherwise. */
export async function dig(run: Device['run'], ...args: string[]): Promise<Answer> {
  const { stdout } = await run(['dig', '+time=5', '+tries=1', ...args])
  const text = stdout.toString()
  const section = (name: string) => {
    const [, lines = ''] = text.match(new RegExp(`${name} SECTION:\\n((?:.+\\n)*)`)) ?? []
    return lines
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/\s+/))
  }
  const answers = section('ANSWER')
  return {
    status: text.match(/status: (\w+)/)?.[1] ?? 'none',
    flags: text.match(/flags: ([\w ]+);/)?.[1]?.split(' ') ?? [],
    question: section('QUESTION')[0]?.join(' ').slice(1) ?? '',
    names: answers.map(([name = '']) => name),
    data: answers.map((words) => words.slice(4).join(' ')).sort(),
    size: Number(text.match(/MSG SIZE {2}rcvd: (\d+)/)?.[1]),
    text,
  }
}
