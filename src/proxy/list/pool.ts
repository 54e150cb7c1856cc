// Texts that many rows have in common, each of them kept once and known by a number.

export class Pool {
  #texts: string[] = ['']
  #numbers = new Map<string, number>([['', 0]])

  /** The number of a text; 0 is the empty one. */
  put(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#texts.push(text) - 1
      this.#numbers.set(text, number)
    }
    return number
  }

  get(number: number): string {
    return this.#texts[number] ?? ''
  }

  /** Keeps the texts that these columns name, whose numbers change with it. */
  keep(columns: readonly Uint32Array[]): void {
    const before = this.#texts
    this.#texts = ['']
    this.#numbers = new Map([['', 0]])
    for (const column of columns) {
      for (let at = 0; at < column.length; at++) column[at] = this.put(before[column[at] ?? 0] ?? '')
    }
  }
}
