// The views of a proxy: which one shows content, and what is shown where a view fails or would go on for too long.
import { MidwireError, nearest } from '../errors.js'
import { hex, writeHex } from './hex.js'
import { BUILT_IN } from './index.js'
import { type Nest, Page, PageFull, type ViewLine } from './page.js'
import { isText, text } from './text.js'
import type { View, ViewMetadata } from './view.js'

/** Bytes of content that a view gets where no more are asked for. */
const DEFAULT_BYTES = 1024 * 1024
/** Content within content within content: parts of a form, messages of gRPC. */
const MAX_NESTED = 3

export interface RenderOptions extends Partial<ViewMetadata> {
  /** The view's name. Default: `auto`, the one that fits best. */
  readonly view?: string | undefined
  /** The most lines. Default: as many as a page may have, 200,000. */
  readonly lines?: number | undefined
  /** The bytes of the content that are shown at most. Default: 1 MiB. */
  readonly bytes?: number | undefined
}

export interface Rendered {
  /** The name of the view that has written the lines. */
  readonly view: string
  readonly lines: readonly ViewLine[]
  /** True where there is more than `lines` shows. */
  readonly cut: boolean
  /** Why another view was taken than the one that was asked for, or fits best: a sentence; undefined where none was. */
  readonly note: string | undefined
}

/** A view, with the name of the addon that has brought it. */
interface Added {
  readonly view: View
  readonly addon: string | undefined
}

const NAME = /^[a-z0-9][a-z0-9_-]*$/

export class Views {
  #added: readonly Added[] = []

  /** Adds an addon's views; the returned function removes them. Throws ERR_ARGUMENT for what is no view. */
  add(views: readonly View[], addon?: string): () => void {
    for (const view of views) {
      const { name, priority, render } = (view ?? {}) as Partial<View>
      if (typeof name === 'string' && NAME.test(name) && name !== AUTO && priority && render) continue
      const by = addon === undefined ? '' : `addon ${addon}: `
      throw new MidwireError(
        'ERR_ARGUMENT',
        `${by}a view has a name in small letters, priority() and render(), not ${shown(name)}`,
      )
    }
    const added = views.map((view) => ({ view, addon }))
    this.#added = [...added, ...this.#added]
    return () => {
      this.#added = this.#added.filter((one) => !added.includes(one))
    }
  }

  /** The views, those of addons first. A name stands once. */
  list(): View[] {
    return [...new Map(this.#all.toReversed().map(({ view }) => [view.name, view])).values()].toReversed()
  }

  /** The names that a view can be chosen by, `auto` first. */
  get names(): string[] {
    return [AUTO, ...this.list().map(({ name }) => name)]
  }

  /** Throws ERR_OPTION where no view has this name. */
  check(name: string): void {
    const { names } = this
    if (names.includes(name)) return
    const meant = nearest(name, names)
    const hint = meant ? `did you mean ${meant}?` : `the views are ${names.join(', ')}`
    throw new MidwireError('ERR_OPTION', `there is no view ${shown(name)}: ${hint}`)
  }

  /**
   * Shows content: decoded from its Content-Encoding, whole or cut off. Never throws: a view that fails, or that is unknown, is told of in
   * `note`, and the content is shown as text or hex.
   */
  render(content: Buffer, options: RenderOptions = {}): Rendered {
    const { view: wanted = AUTO, lines = Number.POSITIVE_INFINITY, bytes = DEFAULT_BYTES } = options
    const { contentType, path, kind = 'body', fromClient = false, flow } = options
    const metadata: ViewMetadata = { contentType, path, kind, fromClient, flow }
    const shownBytes = content.length > bytes ? content.subarray(0, Math.max(0, bytes)) : content
    const notes: string[] = []
    const named = wanted === AUTO ? undefined : this.#all.find(({ view }) => view.name === wanted)
    if (wanted !== AUTO && !named) notes.push(`there is no view ${shown(wanted)}`)
    const chosen = named ?? this.#best(shownBytes, metadata, notes)
    const page = new Page(lines, this.#nest(metadata, 1))
    const written = write(page, chosen.view, shownBytes, metadata)
    const cut = written === FULL || content.length > shownBytes.length
    if (written === DONE || written === FULL) {
      return { view: chosen.view.name, lines: page.lines, cut, note: notes[0] }
    }
    const failure = failureOf(chosen, written)
    const plain = isText(shownBytes, metadata) ? text : hex
    const again = new Page(lines, NO_NEST)
    const isFull = write(again, plain, shownBytes, metadata) === FULL
    return { view: plain.name, lines: again.lines, cut: isFull || content.length > shownBytes.length, note: failure }
  }

  get #all(): readonly Added[] {
    return [...this.#added, ...BUILT_IN.map((view) => ({ view, addon: undefined }))]
  }

  #best(content: Buffer, metadata: ViewMetadata, notes: string[]): Added {
    let best: Added = { view: hex, addon: undefined }
    let highest = 0
    const names = new Set<string>()
    for (const added of this.#all) {
      if (names.has(added.view.name)) continue
      names.add(added.view.name)
      try {
        const priority = added.view.priority(content, metadata)
        if (!(priority > highest)) continue
        best = added
        highest = priority
      } catch (error) {
        notes.push(failureOf(added, error))
      }
    }
    return best
  }

  /** Writes content within content; where its view fails, as hex. */
  #nest(outer: ViewMetadata, level: number): Nest {
    return (page, content, contentType) => {
      const metadata: ViewMetadata = { ...outer, contentType, path: undefined, kind: 'body' }
      const { view } = level > MAX_NESTED ? { view: hex } : this.#best(content, metadata, [])
      const [before, { depth }] = [page.lines.length, page]
      page.descend(this.#nest(metadata, level + 1))
      const written = write(page, view, content, metadata)
      page.ascend()
      if (written === FULL) throw new PageFull()
      if (written === DONE) return
      page.truncate(before)
      page.depth = depth
      writeHex(page, content)
    }
  }
}

const AUTO = 'auto'
const DONE = Symbol('done')
const FULL = Symbol('full')
const NO_NEST: Nest = (page, content) => writeHex(page, content)

/** Has a view write content: DONE, FULL where the page was full, or what the view has thrown. */
function write(page: Page, view: View, content: Buffer, metadata: ViewMetadata): unknown {
  try {
    const returned = view.render(content, metadata, page)
    if (typeof returned === 'string') page.text(returned)
    else for (const line of returned ?? []) page.add(typeof line === 'string' ? [line] : line)
    page.close()
    return DONE
  } catch (error) {
    if (!(error instanceof PageFull)) return error === undefined ? 'nothing was said' : error
    page.close()
    return FULL
  }
}

function failureOf({ view, addon }: Added, error: unknown): string {
  const by = addon === undefined ? '' : ` of addon ${addon}`
  return `the view ${view.name}${by} has failed: ${messageOf(error)}`
}

/** The first line of what was thrown, which may be anything. */
function messageOf(error: unknown): string {
  try {
    return (
      String(error instanceof Error ? error.message : error)
        .split('\n', 1)[0]
        ?.slice(0, 200) ?? ''
    )
  } catch {
    return 'a value that cannot be shown was thrown'
  }
}

const shown = (name: unknown): string => (typeof name === 'string' ? JSON.stringify(name.slice(0, 60)) : typeof name)

const OWN = new Views()

/** The names of midwire's own views, `auto` first. A proxy may have more: `proxy.views.names`. */
export const viewNames = (): string[] => OWN.names

/**
 * Shows content by midwire's own views: `renderView(response.decodedContent, { contentType: 'application/json' })`. Those of a running proxy,
 * which addons and options add to, are in `proxy.views`. Never throws.
 */
export const renderView = (content: Buffer, options?: RenderOptions): Rendered => OWN.render(content, options)

/** What was rendered as one text without styles, and behind it the note. Control characters are as they came. */
export function renderedText({ lines, note }: Rendered): string {
  const text = lines.map((line) => line.map((part) => (typeof part === 'string' ? part : part[1])).join('')).join('\n')
  return note === undefined ? text : `${text}\n(${note})`
}
