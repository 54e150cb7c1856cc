// JavaScript: a script that was squeezed into few lines is broken at its braces and semicolons; others are shown as they are.
import { stringEnd } from './css.js'
import type { Page } from './page.js'
import { isSqueezed } from './squeezed.js'
import { textOf } from './text.js'
import { mediaType, type View } from './view.js'

const TYPE = /^(?:text|application)\/(?:x-)?(?:javascript|ecmascript)$/

export const javascript: View = {
  name: 'javascript',
  help: 'JavaScript: a statement a line',
  priority: (content, { contentType }) => (content.length > 0 && TYPE.test(mediaType(contentType)) ? 0.9 : 0),
  render(content, metadata, page) {
    const text = textOf(content, metadata)
    if (isSqueezed(text)) new Script(page, text).write()
    else page.text(text)
    return undefined
  },
}

/** Words and spaces in one piece each, else one character. */
const TOKEN = /[\p{L}\p{N}_$]+|\s+|[\s\S]/uy
/** Behind these a `/` begins a regular expression, and is no division. */
const BEFORE_REGEXP = /^(?:[({[,;:=!&|?+\-*%<>~^}]|return|typeof|case|in|of|void|delete|throw|new|else|do|await|yield)$/
/** What goes on in the line of a closing brace. */
const GOES_ON = /[,;).\]:?=&|+*[(<>-]|(?:else|catch|finally|while|from|of|as|instanceof|in)(?![\w$])/y
const KEYWORD =
  /^(?:async|await|break|case|catch|class|const|continue|default|delete|do|else|export|extends|finally|for|from|function|if|import|in|instanceof|let|new|of|return|static|super|switch|this|throw|try|typeof|var|void|while|with|yield)$/
const LITERAL = /^(?:true|false|null|undefined|NaN|Infinity)$/

class Script {
  readonly #page: Page
  readonly #text: string
  readonly #base: number
  /** The brackets that are open. */
  readonly #open: string[] = []
  #at = 0
  #last = ''

  constructor(page: Page, text: string) {
    this.#page = page
    this.#text = text
    this.#base = page.depth
  }

  write(): void {
    while (this.#at < this.#text.length) this.#token()
    if (this.#page.open) this.#page.end()
    this.#page.depth = this.#base
  }

  #token(): void {
    const text = this.#text
    const start = this.#at
    TOKEN.lastIndex = start
    const token = TOKEN.exec(text)?.[0] ?? (text[start] as string)
    this.#page.step()
    if (/^\s/.test(token)) {
      this.#at += token.length
      if (this.#page.open) this.#page.text(' ')
      return
    }
    const next = text[start + 1]
    if (token === '/' && next === '/') this.#atom(lineEnd(text, start), 'comment', true)
    else if (token === '/' && next === '*') this.#atom(behind(text, '*/', start + 2), 'comment')
    else if (token === '"' || token === "'") this.#atom(stringEnd(text, start), 'string')
    else if (token === '`') this.#atom(templateEnd(text, start), 'string')
    else if (token === '/' && BEFORE_REGEXP.test(this.#last || ';')) this.#regexp(start)
    else this.#mark(token)
  }

  #regexp(start: number): void {
    const end = regexpEnd(this.#text, start)
    // What was looked through for nothing counts as work.
    if (end === start + 1) this.#page.step(MAX_REGEXP)
    this.#atom(end, 'literal')
  }

  /** Writes up to `end` as it is. */
  #atom(end: number, style: 'comment' | 'string' | 'literal', ends = false): void {
    this.#page.text(this.#text.slice(this.#at, end), style)
    if (ends) this.#page.end()
    this.#at = end
    if (style !== 'comment') this.#last = 'atom'
  }

  #mark(token: string): void {
    this.#at += token.length
    this.#last = token
    if (token === '{' || token === '(' || token === '[') {
      this.#page.text(token)
      this.#open.push(token)
      if (token === '{') this.#brace()
    } else if (token === '}' || token === ')' || token === ']') {
      this.#close(token)
    } else {
      const style = KEYWORD.test(token)
        ? 'name'
        : LITERAL.test(token)
          ? 'literal'
          : /^\d/.test(token)
            ? 'number'
            : undefined
      this.#page.text(token, style)
      const inside = this.#open.at(-1)
      if ((token === ';' || token === ',') && (inside === '{' || (token === ';' && inside === undefined)))
        this.#page.end()
    }
  }

  #brace(): void {
    this.#skipSpace()
    if (this.#text[this.#at] === '}') return
    this.#page.end()
    this.#page.depth += 1
  }

  #close(token: string): void {
    const opened = this.#open.pop()
    const isEmpty = this.#text[this.#at - 2] === '{'
    if (token === '}' && opened === '{' && !isEmpty) {
      if (this.#page.open) this.#page.end()
      this.#page.depth = Math.max(this.#base, this.#page.depth - 1)
    }
    this.#page.text(token)
    if (token !== '}') return
    this.#skipSpace()
    GOES_ON.lastIndex = this.#at
    if (!GOES_ON.test(this.#text)) this.#page.end()
    else if (/[a-z]/.test(this.#text[this.#at] ?? '')) this.#page.text(' ')
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1
  }
}

function lineEnd(text: string, start: number): number {
  const at = text.indexOf('\n', start)
  return at === -1 ? text.length : at
}

function behind(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from)
  return at === -1 ? text.length : at + mark.length
}

/** The place behind a template, in whose `${}` others may stand. */
function templateEnd(text: string, start: number): number {
  // For each template that is open the braces that are open in its `${}`; -1 while none is.
  const open = [-1]
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]
    const braces = open.at(-1) as number
    if (character === '\\') at += 1
    else if (braces < 0 && character === '`') {
      open.pop()
      if (open.length === 0) return at + 1
    } else if (braces < 0) {
      if (character === '$' && text[at + 1] === '{') {
        open[open.length - 1] = 0
        at += 1
      }
    } else if (character === '`') open.push(-1)
    else if (character === '{') open[open.length - 1] = braces + 1
    else if (character === '}') open[open.length - 1] = braces - 1
  }
  return text.length
}

/** The place behind a regular expression and its flags; behind the `/` alone where it has no end on its line. */
function regexpEnd(text: string, start: number): number {
  let inClass = false
  for (let at = start + 1; at < text.length && at < start + MAX_REGEXP; at++) {
    const character = text[at]
    if (character === '\n') break
    if (character === '\\') at += 1
    else if (character === '[') inClass = true
    else if (character === ']') inClass = false
    else if (character === '/' && !inClass) {
      while (/[a-z]/.test(text[at + 1] ?? '')) at += 1
      return at + 1
    }
  }
  return start + 1
}

/** Characters of a regular expression. What is longer is a division. */
const MAX_REGEXP = 2000
