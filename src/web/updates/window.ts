// The window of a list that a client sees: what of it the client has already, and what is to be sent.
import type { FlowList, Midwire } from '../../index.js'
import type { ClientMessage } from '../api/updates.js'

type Wanted = Extract<ClientMessage, { type: 'list' }>

export class Window {
  readonly number: number
  readonly list: FlowList
  readonly #filter: string
  #highlight: { readonly filter: string; readonly list: FlowList } | undefined
  #offset: number
  #limit: number
  /** The window is the last rows, also when more have come. */
  #isAtEnd: boolean
  /** The flow that the window is to have in its middle, once the list has it. */
  #around: string | undefined
  /** The rows that the client has, as JSON, by their numbers. */
  #sent = new Map<number, string>()
  #isFresh = true
  #isDirty = true
  /** All rows of the last message were new: so many come that nobody can read them, and the next message may take its time. */
  isRushing = false
  /** The message that was sent last, without its rows. */
  #last = ''

  private constructor(wanted: Wanted, list: FlowList) {
    this.number = wanted.list
    this.list = list
    this.#filter = wanted.filter ?? ''
    this.#offset = wanted.offset
    this.#limit = wanted.limit
    this.#isAtEnd = wanted.end ?? false
    this.#around = wanted.around
  }

  /**
   * Opens a list, or another order of the one before, which is closed otherwise. `changed`: there is something to take; `highlighting`: what is thrown from
   * here on is about the highlight. Throws ERR_FILTER, and the list before goes on.
   */
  static open(
    proxy: Midwire,
    wanted: Wanted,
    before: Window | undefined,
    changed: () => void,
    highlighting: () => void,
  ): Window {
    const { filter = '', sort = 'number', reverse = false, highlight = '' } = wanted
    const same = before && before.#filter === filter ? before : undefined
    const list = same?.list ?? proxy.list({ filter: filter.trim() === '' ? undefined : filter, sort, reverse })
    highlighting()
    const marks = before ? before.#highlight : undefined
    let nextMarks = marks?.filter === highlight ? marks : undefined
    try {
      if (highlight.trim() !== '') nextMarks ??= { filter: highlight, list: proxy.list({ filter: highlight }) }
    } catch (error) {
      if (!same) list.close()
      throw error
    }
    if (same && (list.sort !== sort || list.reverse !== reverse)) list.sortBy(sort, reverse)
    if (!same) before?.list.close()
    if (marks !== nextMarks) marks?.list.close()
    const next = new Window(wanted, list)
    next.#highlight = nextMarks
    const dirty = () => {
      next.#isDirty = true
      changed()
    }
    list.onchange = dirty
    if (nextMarks) nextMarks.list.onchange = dirty
    return next
  }

  move({ offset, limit, end = false, around }: Pick<Wanted, 'offset' | 'limit' | 'end' | 'around'>): void {
    this.#offset = offset
    this.#limit = limit
    this.#isAtEnd = end
    this.#around = around
    this.#isDirty = true
  }

  /** The client gets all rows anew. */
  refresh(): void {
    this.#isFresh = true
    this.#isDirty = true
  }

  /** The client was told nothing of it, and there is nothing to tell but that it is being looked for. */
  get isEmptyStill(): boolean {
    return this.#isFresh && this.list.total === 0 && this.list.scanned < this.list.of
  }

  /** The message `rows`; undefined where nothing has changed that the client can see. */
  take(): string | undefined {
    if (!this.#isDirty) return undefined
    this.#isDirty = false
    // What has changed is seen below; from now on more may come.
    this.list.takeChanges()
    this.#highlight?.list.takeChanges()
    this.#goAround()
    const { total, scanned, of } = this.list
    const offset = this.#isAtEnd ? Math.max(0, total - this.#limit) : this.#offset
    const rows = this.list.rows(offset, this.#limit)
    const before = this.#isFresh ? new Map<number, string>() : this.#sent
    const sent = new Map<number, string>()
    const news: string[] = []
    for (const row of rows) {
      const text = JSON.stringify(row)
      sent.set(row.number, text)
      if (before.get(row.number) !== text) news.push(text)
    }
    const marks = this.#highlight?.list
    const head = JSON.stringify({
      type: 'rows',
      list: this.number,
      offset,
      ...{ total, scanned, of, fresh: this.#isFresh },
      order: rows.map(({ number }) => number),
      highlighted: marks ? rows.filter(({ id }) => marks.position(id) !== -1).map(({ number }) => number) : [],
    })
    this.isRushing = !this.#isFresh && news.length > 0 && news.length === rows.length
    if (!this.#isFresh && news.length === 0 && head === this.#last) return undefined
    this.#isFresh = false
    this.#sent = sent
    this.#last = head
    return `${head.slice(0, -1)},"rows":[${news.join(',')}]}`
  }

  #goAround(): void {
    const at = this.#around === undefined ? -1 : this.list.position(this.#around)
    if (at === -1) return
    this.#around = undefined
    this.#isAtEnd = false
    this.#offset = Math.max(0, at - Math.floor(this.#limit / 2))
  }

  close(): void {
    this.list.close()
    this.#highlight?.list.close()
  }
}
