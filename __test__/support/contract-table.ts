// The table that the contract prints: what was run, by which way in and which way out; and the modes for which nothing was.
import { existsSync } from 'node:fs'
import { MODES } from '../../src/modes/index.js'

/** Modes whose contract is held elsewhere, and in which test. The kernel alone makes connections of `transparent`. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  transparent: '__test__/e2e/transparent-mode.test.ts',
}

interface Row {
  readonly mode: string
  readonly cells: Map<string, string[]>
}

export class ContractTable {
  readonly #elsewhere: Readonly<Record<string, string>>
  readonly #rows = new Map<string, Row>()

  /** `elsewhere`: modes that another test has. */
  constructor(elsewhere: Readonly<Record<string, string>> = {}) {
    this.#elsewhere = { ...ELSEWHERE, ...elsewhere }
  }

  /** One part of the contract has held. */
  held({ mode, name }: { readonly mode: string; readonly name: string }, out: string, part: string): void {
    const row = this.#rows.get(name) ?? { mode, cells: new Map<string, string[]>() }
    this.#rows.set(name, row)
    row.cells.set(out, [...(row.cells.get(out) ?? []), part])
  }

  /** The modes of midwire's list for which no part was run, here or elsewhere. */
  get missing(): string[] {
    const run = new Set([...this.#rows.values()].map(({ mode }) => mode))
    return MODES.map(({ name }) => name).filter((name) => !run.has(name) && !existsSync(this.#elsewhere[name] ?? ''))
  }

  /** Rows are ways in, columns ways out. Each cell has a letter for each part that has held, and a dash where nothing was run. */
  toString(): string {
    const rows = [...this.#rows]
    const outs = [...new Set(rows.flatMap(([, { cells }]) => [...cells.keys()]))]
    const parts = [...new Set(rows.flatMap(([, { cells }]) => [...cells.values()].flat()))]
    const letters = new Map(parts.map((part, index) => [part, String.fromCharCode(97 + index)]))
    const cell = (held: readonly string[] | undefined) =>
      held ? `✔ ${parts.map((part) => (held.includes(part) ? letters.get(part) : '·')).join('')}` : '–'
    const lines = [
      ['', ...outs],
      ...rows.map(([name, { cells }]) => [name, ...outs.map((out) => cell(cells.get(out)))]),
    ]
    const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
    const text = lines.map((line) =>
      line
        .map((one, column) => one.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    const legend = parts.map((part) => `${letters.get(part)} ${part}`).join(', ')
    const elsewhere = Object.entries(this.#elsewhere).map(([mode, file]) => `${mode}: ${file}`)
    return [...text, legend, ...elsewhere].join('\n')
  }
}
