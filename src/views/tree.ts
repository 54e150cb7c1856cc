// Writes values that hold values (JSON, MessagePack, CBOR) in the look of JSON: an entry a line, empty ones as {} and [].
import type { Page, ViewStyle } from './page.js'

export class Tree {
  readonly #page: Page
  /** For each value that is open whether an entry of it was begun. */
  readonly #begun: boolean[] = []

  constructor(page: Page) {
    this.#page = page
  }

  get depth(): number {
    return this.#begun.length
  }

  open(bracket: string): void {
    this.#page.text(bracket)
    this.#page.depth += 1
    this.#begun.push(false)
  }

  /** Begins the line of an entry: an element, or a key. */
  entry(): void {
    this.#page.text(this.#begun.at(-1) ? ',' : '')
    this.#page.end()
    this.#begun[this.#begun.length - 1] = true
  }

  close(bracket: string): void {
    this.#page.depth -= 1
    if (this.#begun.pop()) this.#page.end()
    this.#page.text(bracket)
  }

  value(text: string, style?: ViewStyle): void {
    this.#page.text(text, style)
  }
}
