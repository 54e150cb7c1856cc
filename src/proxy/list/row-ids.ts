// The ids of rows, 20 bytes each, and the way from an id to its number: a table with open addressing over numbers alone.
import { idHash, idHead } from '../../store/facts.js'

const FIRST_ROOM = 1024
const WORDS = 5

export class RowIds {
  /** Five words a number: the id, and its hash. */
  #words = new Uint32Array(FIRST_ROOM * WORDS)
  /** Ids that are no UUIDs. */
  readonly #texts = new Map<number, string>()
  /** The numbers of rows by the words of their ids; 0 for none. At most half of it is in use. */
  #table = new Int32Array(FIRST_ROOM * 2)
  #used = 0
  /** The number at the beginning of the words. */
  #first = 0

  /** `head` and `hash` are those of the id (`Facts`). */
  set(number: number, id: string, head: number, hash: number): void {
    const room = this.#words.length / WORDS
    if (number - this.#first >= room) {
      const words = new Uint32Array(Math.max(room * 2, number - this.#first + 1) * WORDS)
      words.set(this.#words)
      this.#words = words
    }
    const at = (number - this.#first) * WORDS
    if (!writeWords(id, this.#words, at)) this.#texts.set(number, id)
    this.#words[at] = head
    this.#words[at + 4] = hash
    this.expect(1)
    this.#used += 1
    this.#enter(number)
  }

  /** So many are about to come: the table is as large as they need now, and not made anew in the middle of them. */
  expect(count: number): void {
    if ((this.#used + count) * 2 > this.#table.length) this.#rebuild(count)
  }

  /** The id of a row that is there. */
  get(number: number): string {
    const text = this.#texts.get(number)
    if (text !== undefined) return text
    const at = (number - this.#first) * WORDS
    const words = this.#words
    const [one = 0, two = 0] = [words[at + 1], words[at + 2]]
    const middle = `${half(one >>> 16)}-${half(one)}-${half(two >>> 16)}-${half(two)}`
    return `${half((words[at] ?? 0) >>> 16)}${half(words[at] ?? 0)}-${middle}${half((words[at + 3] ?? 0) >>> 16)}${half(words[at + 3] ?? 0)}`
  }

  /** The number of the row with this id; 0 for none. */
  find(id: string): number {
    return this.at(idHead(id), idHash(id))
  }

  /** The number of the row whose id has this head and hash; 0 for none. */
  at(head: number, hash: number): number {
    const mask = this.#table.length - 1
    for (let place = slotOf(head, hash) & mask; ; place = (place + 1) & mask) {
      const number = this.#table[place] ?? 0
      if (number === 0) return 0
      if (number < 0) continue
      const at = (number - this.#first) * WORDS
      if (this.#words[at] === head && this.#words[at + 4] === hash) return number
    }
  }

  remove(number: number): void {
    const at = (number - this.#first) * WORDS
    const mask = this.#table.length - 1
    for (let place = slotOf(this.#words[at] ?? 0, this.#words[at + 4] ?? 0) & mask; ; place = (place + 1) & mask) {
      if (this.#table[place] === 0) return
      // The place stays taken until the table is made anew, or what lies behind it would not be found.
      if (this.#table[place] === number) this.#table[place] = -1
    }
  }

  /** The rows before this number are all gone. */
  cut(first: number): void {
    this.#words = this.#words.slice((first - this.#first) * WORDS)
    this.#first = first
    for (const number of this.#texts.keys()) if (number < first) this.#texts.delete(number)
  }

  #enter(number: number): void {
    const at = (number - this.#first) * WORDS
    const mask = this.#table.length - 1
    let place = slotOf(this.#words[at] ?? 0, this.#words[at + 4] ?? 0) & mask
    while (this.#table[place] !== 0) place = (place + 1) & mask
    this.#table[place] = number
  }

  /** Leaves out what is gone; twice as large where most is not. */
  #rebuild(more: number): void {
    const numbers = this.#table.filter((number) => number > 0)
    let room = FIRST_ROOM * 2
    while (room < (numbers.length + more) * 4) room *= 2
    this.#table = new Int32Array(room)
    for (const number of numbers) this.#enter(number)
    this.#used = numbers.length
  }
}

/** The digits of each octet. */
const OCTETS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))

/** The digits of the lower half of a word. */
const half = (word: number): string => `${OCTETS[(word >>> 8) & 0xff]}${OCTETS[word & 0xff]}`

const slotOf = (head: number, hash: number): number => (head ^ Math.imul(hash, 0x9e3779b1)) >>> 0

/** Writes the four words of a UUID; false for another text. */
function writeWords(id: string, words: Uint32Array, at: number): boolean {
  if (id.length !== 36) return false
  let word = 0
  let digits = 0
  for (let index = 0; index < 36; index++) {
    const code = id.charCodeAt(index)
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (code !== 0x2d) return false
      continue
    }
    const isDigit = code >= 0x30 && code <= 0x39
    if (!isDigit && (code < 0x61 || code > 0x66)) return false
    word = (word << 4) | (isDigit ? code - 0x30 : code - 0x57)
    digits += 1
    if (digits % 8 === 0) words[at + digits / 8 - 1] = word
  }
  return true
}
