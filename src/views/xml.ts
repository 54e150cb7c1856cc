// XML and HTML, with a tag a line, indented. Broken markup is shown as far as it goes.
import type { Page } from './page.js'
import { textOf } from './text.js'
import { mediaType, type View } from './view.js'

const START = /^(?:\xef\xbb\xbf)?\s*<(?:\?xml|!doctype|html|head|body|svg|!--|soap|rss|feed|[a-z][\w:.-]*(?:\s|>|\/>))/i

export const xml: View = {
  name: 'xml',
  help: 'XML, HTML, SVG: a tag a line, indented',
  priority(content, { contentType }) {
    const type = mediaType(contentType)
    if (content.length === 0) return 0
    if (type === 'text/html' || /[/+]xml$/.test(type)) return startsWithTag(content) ? 0.9 : 0.3
    return (type === '' || type === 'text/plain') && START.test(content.subarray(0, 256).toString('latin1')) ? 0.7 : 0
  },
  render(content, metadata, page) {
    new Markup(page, textOf(content, metadata), mediaType(metadata.contentType) === 'text/html').write()
    return undefined
  },
}

const startsWithTag = (content: Buffer) => content.subarray(0, 1024).includes(0x3c)

const set = (names: string) => new Set(names.split(' '))
/** HTML's elements without an end tag. */
const VOID = set('area base br col embed hr img input link meta param source track wbr')
/** Those whose content is no markup, or has spaces that count. */
const VERBATIM = set('script style pre textarea')
/** Those that end where the next of their kind begins. */
const SIBLINGS = set('li p td th tr option dt dd')
/** Elements that are open and whose names are compared with an end tag: the innermost ones. */
const LOOKED_BACK = 64
/** Characters of a text that stands in one line with its tags. */
const SHORT = 80

class Markup {
  readonly #page: Page
  readonly #text: string
  readonly #open: string[] = []
  readonly #base: number
  #html: boolean
  #at = 0

  constructor(page: Page, text: string, html: boolean) {
    this.#page = page
    this.#text = text
    this.#base = page.depth
    this.#html = html || /^\s*<(?:!doctype\s+html|html)/i.test(text.slice(0, 256))
  }

  write(): void {
    const text = this.#text
    while (this.#at < text.length) {
      const next = text.indexOf('<', this.#at)
      if (next !== this.#at) this.#words(text.slice(this.#at, next === -1 ? text.length : next))
      if (next === -1) break
      this.#at = next
      this.#markup()
    }
    this.#page.depth = this.#base
  }

  /** Writes what begins with `<`, and goes behind it. */
  #markup(): void {
    const text = this.#text
    const start = this.#at
    const second = text[start + 1] ?? ''
    if (text.startsWith('<!--', start)) this.#until('-->', 'comment')
    else if (text.startsWith('<![CDATA[', start)) this.#until(']]>', 'string')
    else if (second === '?') this.#until('?>', 'comment')
    else if (second === '!') this.#until('>', 'comment')
    else this.#tagOrText(start, /[a-z_/:]/i.test(second))
  }

  #tagOrText(start: number, isTag: boolean): void {
    const text = this.#text
    const end = isTag ? tagEnd(text, start) : -1
    if (end === -1) {
      // A `<` that begins no tag is text up to the next one; a tag that does not end is so to the end, so that none is looked at twice.
      const next = isTag ? -1 : text.indexOf('<', start + 1)
      this.#at = next === -1 ? text.length : next
      this.#words(text.slice(start, this.#at))
      return
    }
    this.#at = end
    const tag = text.slice(start, end)
    const name = nameOf(tag)
    if (tag[1] === '/') this.#endTag(tag, name)
    else this.#startTag(tag, name)
  }

  #until(mark: string, style: 'comment' | 'string'): void {
    const found = this.#text.indexOf(mark, this.#at)
    const end = found === -1 ? this.#text.length : found + mark.length
    this.#page.line(this.#text.slice(this.#at, end), style)
    this.#at = end
  }

  #startTag(tag: string, name: string): void {
    if (this.#html && SIBLINGS.has(name) && this.#open.at(-1) === name) this.#pop()
    this.#indent()
    this.#tag(tag)
    if (tag.endsWith('/>') || (this.#html && VOID.has(name))) this.#page.end()
    else if (this.#html && VERBATIM.has(name)) this.#verbatim(name)
    else if (!this.#shortElement(name)) {
      this.#page.end()
      this.#open.push(name)
    }
  }

  /** Writes the rest of an element that has short text alone; false for another element. */
  #shortElement(name: string): boolean {
    const [words, after] = this.#shortText(name)
    if (after === -1) return false
    this.#page.text(words)
    this.#tag(this.#text.slice(this.#text.lastIndexOf('<', after - 1), after))
    this.#page.end()
    this.#at = after
    return true
  }

  /** The text up to the end tag of an element that has short text alone, and the place behind that tag; -1 for another element. */
  #shortText(name: string): [words: string, after: number] {
    const start = this.#at
    const part = this.#text.slice(start, start + SHORT + name.length + 4)
    const at = part.indexOf('<')
    if (at === -1 || part[at + 1] !== '/') return ['', -1]
    const close = part.indexOf('>', at)
    if (close === -1 || nameOf(part.slice(at, close + 1)) !== name) return ['', -1]
    return [part.slice(0, at).replace(/\s+/g, ' ').trim(), start + close + 1]
  }

  /** Content of a script, say: its lines as they are. */
  #verbatim(name: string): void {
    const end = new RegExp(`</${name}\\b[^>]*>?`, 'gi')
    end.lastIndex = this.#at
    const found = end.exec(this.#text)
    const content = this.#text.slice(this.#at, found?.index ?? this.#text.length)
    this.#at = found ? end.lastIndex : this.#text.length
    if (content.trim() !== '') {
      this.#page.end()
      this.#page.depth += 1
      this.#page.line(content.slice(/^(?:[ \t\r]*\n)?/.exec(content)?.[0].length).trimEnd())
      this.#page.depth -= 1
    }
    if (found) this.#tag(found[0])
    if (this.#page.open) this.#page.end()
  }

  #endTag(tag: string, name: string): void {
    const at = this.#open.slice(-LOOKED_BACK).lastIndexOf(name)
    if (at !== -1) {
      const drop = Math.min(this.#open.length, LOOKED_BACK) - at
      for (let count = 0; count < drop; count++) this.#pop()
    }
    this.#indent()
    this.#tag(tag)
    this.#page.end()
  }

  #pop(): void {
    this.#open.pop()
  }

  #words(text: string): void {
    const words = text.trim()
    this.#page.step()
    if (words === '') return
    this.#indent()
    for (const line of words.split('\n')) this.#page.line(line.trim())
  }

  #indent(): void {
    this.#page.depth = this.#base + this.#open.length
  }

  /** A tag with its name, and the values of its attributes, coloured. */
  #tag(tag: string): void {
    const head = /^<\/?[^\s/>]*/.exec(tag)?.[0] ?? ''
    this.#page.text(head, 'name')
    let from = head.length
    const rest = tag.slice(from).replace(/\s+/g, (space) => (space.includes('\n') ? ' ' : space))
    from = 0
    for (const { 0: value, index } of rest.matchAll(/"[^"]*"|'[^']*'/g)) {
      this.#page.text(rest.slice(from, index))
      this.#page.text(value, 'string')
      from = index + value.length
    }
    this.#page.text(rest.slice(from, rest.endsWith('/>') ? -2 : rest.endsWith('>') ? -1 : undefined))
    this.#page.text(rest.endsWith('/>') ? '/>' : rest.endsWith('>') ? '>' : '', 'name')
  }
}

const nameOf = (tag: string): string => /^<\/?([^\s/>]*)/.exec(tag)?.[1]?.toLowerCase() ?? ''

/** The place behind the `>` of a tag, in whose quoted values others may stand; -1 where it has none. */
function tagEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]
    if (character === '>') return at + 1
    if (character !== '"' && character !== "'") continue
    const close = text.indexOf(character, at + 1)
    // A quote that is not closed is no quote.
    if (close === -1) return text.indexOf('>', at) + 1 || -1
    at = close
  }
  return -1
}
