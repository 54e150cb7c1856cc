// Regular expressions of filters: Python's, as mitmproxy takes them, as far as JavaScript can say the same.

export interface RegexpKind {
  readonly caseSensitive: boolean
  /** It is searched for in bytes, which are given as latin1. */
  readonly bytes?: boolean | undefined
  /** `^` and `$` match at every line. */
  readonly lines?: boolean | undefined
  /** The dot matches newlines. */
  readonly dotAll?: boolean | undefined
}

/** Whether a text has a match. */
export type Search = (text: string) => boolean

/** A class of characters, whose first `]` is one of them in Python; an escape; or something else that Python writes otherwise. */
const PARTS =
  /\[(\^?)(\]?)((?:\\[\s\S]|[^\]\\])*)|\\[\s\S]|\(\?#[^)]*\)|\(\?P<|\(\?P=(\w+)\)|\(\?([aimsuxL]+):|\{,(\d+)\}|\$/g
const GLOBAL_FLAGS = /^\(\?([aimsuxL]+)\)/

/** Throws an error of JavaScript's for what is no regular expression. */
export function compileRegexp(source: string, kind: RegexpKind): Search {
  const flags = new Set<string>()
  if (!kind.caseSensitive) flags.add('i')
  if (kind.lines) flags.add('m')
  if (kind.dotAll) flags.add('s')
  const [start = '', given = ''] = GLOBAL_FLAGS.exec(source) ?? []
  if (given.includes('x')) throw new SyntaxError('(?x) is not understood')
  for (const flag of given) if ('ims'.includes(flag)) flags.add(flag)
  const pattern = translate(source.slice(start.length), flags)
  const octets = kind.bytes ? Buffer.from(pattern).toString('latin1') : pattern
  const regexp = new RegExp(octets, [...flags].join(''))
  // What is too large is found out where it is used first.
  regexp.test('')
  return (text) => {
    try {
      return regexp.test(text)
    } catch {
      // So much to go back over that there is no room for it.
      return false
    }
  }
}

function translate(source: string, flags: ReadonlySet<string>): string {
  return source.replace(PARTS, (part: string, ...groups: (string | undefined)[]) => {
    const [not = '', first, members = '', name, scoped, most] = groups
    if (part.startsWith('[')) return `[${not}${first ? '\\]' : ''}${members}`
    if (part === '\\A') return '(?<![\\s\\S])'
    if (part === '\\Z') return '(?![\\s\\S])'
    // Without lines, Python's matches before a newline at the very end, too.
    if (part === '$') return flags.has('m') ? '$' : '(?=\\n?(?![\\s\\S]))'
    if (part.startsWith('(?#')) return ''
    if (part === '(?P<') return '(?<'
    if (name !== undefined) return `\\k<${name}>`
    if (most !== undefined) return `{0,${most}}`
    // Groups with flags of their own are understood where the flags are on anyway.
    const idle = scoped !== undefined && [...scoped].every((flag) => flags.has(flag) || 'auL'.includes(flag))
    return idle ? '(?:' : part
  })
}
