// The ids of rows, 20 bytes each, and the way from an id to its number: a table with open addressing over numbers alone.
import { idHash, idHead } from '../../store/facts.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
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

  set(number: number, id: string): void {
    const room = this.#words.length / WORDS
    if (number - this.#first >= room) {
      const words = new Uint32Array(Math.max(room * 2, number - this.#first + 1) * WORDS)
      words.set(this.#words)
      this.#words = words
    }
    const at = (number - this.#first) * WORDS
    this.#words[at] = idHead(id)
    this.#words[at + 4] = idHash(id)
    if (UUID.test(id)) {
      const rest = id.slice(9).replaceAll('-', '')
      for (const word of [1, 2, 3]) this.#words[at + word] = Number.parseInt(rest.slice(word * 8 - 8, word * 8), 16)
    } else this.#texts.set(number, id)
    this.#used += 1
    if (this.#used * 2 > this.#table.length) this.#rebuild()
    this.#enter(number)
  }

  /** The id of a row that is there. */
  get(number: number): string {
    const text = this.#texts.get(number)
    if (text !== undefined) return text
    const at = (number - this.#first) * WORDS
    const digits = [0, 1, 2, 3].map((word) => (this.#words[at + word] ?? 0).toString(16).padStart(8, '0')).join('')
    return [0, 8, 12, 16, 20].map((from, part) => digits.slice(from, [8, 12, 16, 20, 32][part])).join('-')
  }

  /** The number of the row with this id; 0 for none. */
  find(id: string): number {
    const number = this.at(idHead(id), idHash(id))
    return number !== 0 && this.get(number) === id ? number : 0
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
  #rebuild(): void {
    const numbers = this.#table.filter((number) => number > 0)
    let room = FIRST_ROOM * 2
    while (room < numbers.length * 4) room *= 2
    this.#table = new Int32Array(room)
    for (const number of numbers) this.#enter(number)
    this.#used = numbers.length + 1
  }
}

const slotOf = (head: number, hash: number): number => (head ^ Math.imul(hash, 0x9e3779b1)) >>> 0
