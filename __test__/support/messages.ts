// Cuts a body into its messages, in one piece or in many, and writes down what came out.
import { HttpHeaders } from '../../src/flow/headers.js'
import { StreamMessage } from '../../src/flow/stream-message.js'
import { type Splitter, splitterOf, type Unit } from '../../src/layers/http/messages/splitter.js'
import { seeded } from './seeded.js'

export function splitter(type: string, ...fields: string[]): Splitter {
  const found = splitterOf(new HttpHeaders(['Content-Type', type, ...fields]))
  if (!found) throw new Error(`there is no splitter for ${type}`)
  return found
}

export const message = ({ message }: Unit) => message && new StreamMessage(message, false, 0)

/** The units of a body that comes in these pieces. */
export function units(by: Splitter, ...pieces: (Buffer | string)[]): Unit[] {
  return [...pieces.flatMap((piece) => by.push(Buffer.from(piece as string, 'latin1'))), ...by.end()]
}

/** Each message as text; units without one in angle brackets. */
export function shown(all: readonly Unit[]): string[] {
  return all.map((unit) => message(unit)?.content.toString() ?? `<${unit.raw.toString('latin1')}>`)
}

/** The messages alone, with event and id. */
export function messages(all: readonly Unit[]): string[] {
  return all.flatMap((unit) => {
    const one = message(unit)
    return one ? [JSON.stringify([one.content.toString('latin1'), one.event, one.id, one.retry])] : []
  })
}

/** The body in pieces, mostly of a few bytes. */
export function inPieces(body: Buffer, seed: number, most = 8): Buffer[] {
  const random = seeded(seed)
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const end = at + 1 + Math.floor(random() * most)
    pieces.push(body.subarray(at, end))
    at = end
  }
  return pieces
}

/** What is wrong with the units of a body, whatever the pieces in which it came. */
export function faults(make: () => Splitter, body: Buffer, rounds = 20): string[] {
  const found: string[] = []
  const whole = units(make(), body)
  if (!Buffer.concat(whole.map(({ raw }) => raw)).equals(body)) found.push('the units are not the body')
  for (let seed = 0; seed < rounds; seed++) {
    const some = units(make(), ...inPieces(body, seed, seed === 0 ? 1 : 8))
    if (!Buffer.concat(some.map(({ raw }) => raw)).equals(body)) found.push(`seed ${seed}: the units are not the body`)
    if (messages(some).join() !== messages(whole).join()) found.push(`seed ${seed}: other messages`)
  }
  return found
}
