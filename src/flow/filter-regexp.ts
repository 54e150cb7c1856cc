// Regular expressions of filters: Python's, as mitmproxy takes them, as far as JavaScript can say the same.

export interface RegexpKind {
  readonly caseSensitive: boolean
  /** The expression is searched for in bytes, which `Search` takes as latin1. */
  readonly bytes?: boolean | undefined
  /** `^` and `$` match at every line. */
  readonly lines?: boolean | undefined
  /** The dot matches newlines. */
  readonly dotAll?: boolean | undefined
}

/** Tells whether a text has a match. */
export type Search = (text: string) => boolean

/**
 * The parts of an expression that Python and JavaScript write differently, and escapes and classes of characters, in which the same
 * text means something else. In Python a `]` right after the `[` of a class is one of its characters.
 */
const PARTS =
  /\[(\^?)(\]?)((?:\\[\s\S]|[^\]\\])*)|\\[\s\S]|\(\?#[^)]*\)|\(\?P<|\(\?P=(\w+)\)|\(\?([aimsuxL]+):|\{,(\d+)\}|\$/g
const GLOBAL_FLAGS = /^\(\?([aimsuxL]+)\)/

/** JavaScript's form of an expression of Python's. Throws the SyntaxError of JavaScript for a text that is not one. */
export function pythonRegexp(source: string, kind: RegexpKind): RegExp {
  const flags = new Set<string>()
  if (!kind.caseSensitive) flags.add('i')
  if (kind.lines) flags.add('m')
  if (kind.dotAll) flags.add('s')
  const [start = '', given = ''] = GLOBAL_FLAGS.exec(source) ?? []
  if (given.includes('x')) throw new SyntaxError('(?x) is not understood')
  for (const flag of given) if ('ims'.includes(flag)) flags.add(flag)
  const pattern = translate(source.slice(start.length), flags)
  const octets = kind.bytes ? Buffer.from(pattern).toString('latin1') : pattern
  return new RegExp(octets, [...flags].join(''))
}

/** Compiles a regular expression. Throws the SyntaxError of JavaScript for a text that is not one. */
export function compileRegexp(source: string, kind: RegexpKind): Search {
  const regexp = pythonRegexp(source, kind)
  // JavaScript refuses an expression that is too large at its first use: that is to happen here, and not at the first flow.
  regexp.test('')
  return (text) => {
    try {
      return regexp.test(text)
    } catch {
      // The search has run out of stack while it went back over a long text.
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
    // Without the flag m, Python's $ matches before a newline at the end of the text, too.
    if (part === '$') return flags.has('m') ? '$' : '(?=\\n?(?![\\s\\S]))'
    if (part.startsWith('(?#')) return ''
    if (part === '(?P<') return '(?<'
    if (name !== undefined) return `\\k<${name}>`
    if (most !== undefined) return `{0,${most}}`
    // A group with flags, (?i:...), is understood where the flags are on for the whole expression.
    const idle = scoped !== undefined && [...scoped].every((flag) => flags.has(flag) || 'auL'.includes(flag))
    return idle ? '(?:' : part
  })
}
