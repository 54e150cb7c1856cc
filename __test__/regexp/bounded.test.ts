// Regular expressions of users: the evil ones end on long texts, the others find what JavaScript's find, and what cannot be bounded is refused.
import test from 'ava'
import { BoundedRegExp } from '../../src/regexp/bounded.js'
import { Matcher } from '../../src/regexp/match.js'
import { compile } from '../../src/regexp/program.js'
import { Searcher } from '../../src/regexp/search.js'
import { type Node, readTree } from '../../src/regexp/tree.js'
import { Random } from '../support/http1.js'

const LONG = 200_000

/** Expressions that take JavaScript longer than anybody lives, or minutes, on some of these texts. */
const EVIL = [
  ...['(a+)+$', '(a|a)*$', '(.*)*x', '^(([a-z])+.)+[A-Z]([a-z])+$', '(a|aa)+$', '(.*a){20}$', '(\\w+\\s?)*!$'],
  ...[
    '^(a?){30}a{30}$',
    '(a*)*b',
    'foo.*bar',
    '.*.*=.*;',
    '\\s+$',
    '(x+x+)+y',
    '([a-zA-Z]+)*$',
    '^(?:a|b|ab)*c',
    '(?:a+)+b|c',
  ],
]
const TEXTS = ['a', 'foo', 'x=', 'ab c1/.', ' ', 'x'].map((part) => part.repeat(LONG / part.length))

test('evil expressions end on long texts', (t) => {
  for (const source of EVIL) {
    const regexp = new BoundedRegExp(source, 's')
    const answers = TEXTS.map((text) => regexp.test(`${text}~`))
    // The linear search is asked about short texts, too, of which JavaScript can say the same.
    const { root } = readTree(regexp)
    const searcher = new Searcher(compile(root, 's') ?? [])
    for (const text of ['', 'aaaa', 'aab', 'foo bar', '==;', 'xxxy', 'ab!', 'c', '  ']) {
      t.is(searcher.find(text), new RegExp(source, 's').test(text), `${source} on ${text}`)
    }
    t.is(answers.length, TEXTS.length)
    regexp.exec(`${TEXTS[0]}~`)
    t.is(typeof TEXTS[3]?.replace(new BoundedRegExp(source, 'gs'), '-'), 'string')
  }
})

test('a replacement whose matches are each far to seek is cut off, and the rest stays', (t) => {
  const text = 'a'.repeat(LONG)
  const replaced = text.replace(new BoundedRegExp('a.*b|a', 'gs'), '-')
  t.is(replaced.length, LONG)
  t.true(replaced.startsWith('-') && replaced.endsWith('a'))
})

test('matches, groups and their names are as ever, on short texts and on long ones', (t) => {
  const tail = ' '.repeat(LONG)
  for (const [source, text] of [
    ['(?<year>\\d+)-(?<month>\\d+).*x', 'on 2026-12 x'],
    ['(a+)(b*)+c?', 'xaabbc'],
    ['^\\w+?(o.*)$', 'foo bar'],
    ['(?:(a)|b)*', 'ab'],
  ] as const) {
    for (const flags of ['', 'i', 'm']) {
      const [bounded, plain] = [new BoundedRegExp(source, flags), new RegExp(source, flags)]
      for (const one of [text, `${text}\n${tail}`]) {
        const [got, want] = [bounded.exec(one), plain.exec(one)]
        t.deepEqual([...(got ?? [])], [...(want ?? [])], source)
        t.is(got?.index, want?.index)
        t.deepEqual({ ...got?.groups }, { ...want?.groups })
        t.is(bounded.test(one), plain.test(one))
        t.is(one.search(bounded), one.search(plain))
      }
    }
  }
})

test('global and sticky expressions keep their place', (t) => {
  const text = `a1 b22 c333 ${' '.repeat(LONG)}d4`
  for (const flags of ['g', 'y', 'gy']) {
    const [bounded, plain] = [new BoundedRegExp('(\\w\\s*)+(\\d)', flags), new RegExp('(\\w\\s*)+(\\d)', flags)]
    for (let turn = 0; turn < 3; turn++) {
      t.is(bounded.test(text), plain.test(text))
      t.is(bounded.lastIndex, plain.lastIndex)
    }
  }
  const count = (regexp: RegExp) => [...text.matchAll(regexp)].map(([whole]) => whole)
  t.deepEqual(count(new BoundedRegExp('(?:\\w+)+\\d', 'g')), count(/\w+\d/g))
  t.is(text.replace(new BoundedRegExp('(?:(\\w))+\\d', 'g'), '<$1>'), text.replace(/(?:(\w))+\d/g, '<$1>'))
  t.deepEqual(text.split(new BoundedRegExp('(?: +)+')), text.split(/ +/))
})

test('lookaround and backreferences are JavaScript’s, in the beginning of a text as far as that ends soon', (t) => {
  const documented = new BoundedRegExp('^(?![0-9\\.]+:)(?!([^\\.:]+\\.)*example\\.com:443$)', 'i')
  t.false(documented.test('www.example.com:443'))
  t.true(documented.test('example.org:443'))
  t.true(documented.test(`${'a.'.repeat(LONG)}:443`))
  const twice = new BoundedRegExp('(\\w)\\1.*z')
  t.true(twice.test('aa z'))
  t.false(twice.test(`${'ab'.repeat(LONG)}aaz`), 'too far behind')
})

test('what has no length that ends soon is refused, and says why', (t) => {
  for (const source of ['(a+)+\\1', '(?=(a+)+$)', '(?:a|b|ab)*(?!c)', '(?:a?){3000}']) {
    t.throws(
      () => new BoundedRegExp(source),
      { instanceOf: SyntaxError, message: /may take for ever, and it / },
      source,
    )
  }
  t.throws(() => new BoundedRegExp('(a'), { instanceOf: SyntaxError, message: /Unterminated/ })
  t.notThrows(() => new BoundedRegExp('(?:[^/]+/)*(?=x)'), 'one way through each text')
  t.notThrows(() => new BoundedRegExp('\\p{L}+', 'u'))
})

test('an expression that is huge by its numbers or its depth is compiled, or refused, at once', (t) => {
  for (const source of [
    '(?:(?:(?:){999}){999}){999}',
    '(.*){999999999}',
    '(?:(?:(?:(?:a?){20}){20}){20}){20}b',
    '(?:(?:(?:(?:){20}){20}){20}){20}*',
  ]) {
    t.is(typeof attempt(source), 'string', source)
  }
  t.regex(attempt(`${'('.repeat(600)}a${')'.repeat(600)}`), /more than 500 groups/)
  t.is(attempt(`${'(?:'.repeat(400)}a+${')*'.repeat(400)}`), 'found')
})

function attempt(source: string): string {
  try {
    return new BoundedRegExp(source).test('a') ? 'found' : 'not found'
  } catch (error) {
    return (error as Error).message
  }
}

const ATOMS = [
  ...[
    'a',
    'b',
    '.',
    '\\w',
    '\\d',
    '\\s',
    '[ab]',
    '[^a]',
    '[\\s\\S]',
    '[a-c1]',
    '\\n',
    '\\x61',
    '\\.',
    'B',
    'K',
    'ſ',
    'é',
  ],
  ...['-', '\\cJ', '\\c', '\\8', '\\0', '{', '}', ']', '\\[', '[\\]a]', '\\B', '\\b', '^', '$'],
  ...['(?![\\s\\S])', '(?<![\\s\\S])', '(?=\\n?(?![\\s\\S]))'],
]
const LETTERS = [
  'a',
  'b',
  'c',
  'A',
  'B',
  '1',
  ' ',
  '\n',
  '\r',
  '_',
  '-',
  '.',
  'é',
  'ſ',
  'K',
  'k',
  'S',
  '{',
  '}',
  '\\',
  '\u2028',
  '\0',
]

test('the linear search finds what JavaScript finds: random expressions, random texts', (t) => {
  const random = new Random(7)
  const pick = (list: readonly string[]) => list[random.below(list.length)] as string
  const make = (depth: number): string => {
    const kind = random.below(10)
    if (depth <= 0 || kind < 4) return pick(ATOMS)
    if (kind < 6) return make(depth - 1) + make(depth - 1)
    if (kind === 6) return `(${make(depth - 1)}|${make(depth - 1)})`
    if (kind === 7) return `(?:${make(depth - 1)})`
    if (kind === 8)
      return `(${make(depth - 1)})${pick(['*', '+', '?', '{2}', '{1,2}', '{0,2}', '{1,}', '*?', '+?', '??'])}`
    return pick(['a', '.', '[ab]', '\\w']) + pick(['*', '+', '?', '{2}', '{1,3}', '*?', '+?', '{,2}', '{a'])
  }
  let [compared, matched] = [0, 0]
  while (compared < 20_000) {
    const flags = pick(['', 'i', 'm', 's', 'im', 'is', 'ims'])
    const regexp = made(make(4), flags)
    const { root, groups, isPlain } = regexp ? readTree(regexp) : { root: undefined, groups: 0, isPlain: false }
    const program = isPlain && root ? compile(root, flags) : undefined
    if (!regexp || !root || !program) continue
    const [searcher, matcher] = [new Searcher(program), new Matcher(program, groups)]
    for (let turn = 0; turn < 5; turn++) {
      const text = Array.from({ length: random.below(9) }, () => pick(LETTERS)).join('')
      const want = regexp.exec(text)
      compared += 1
      if (searcher.find(text) !== (want !== null)) return t.fail(`${regexp} on ${JSON.stringify(text)}`)
      if (hasEmptyLoop(root)) continue
      const got = matcher.find(text, 0, false, { left: 1e6 })
      const shown = Array.from({ length: groups + 1 }, (_, index) => {
        const [start = -1, end = -1] = got?.slice(index * 2, index * 2 + 2) ?? []
        return start < 0 || end < 0 ? undefined : text.slice(start, end)
      })
      t.deepEqual(
        want ? [want.index, ...want] : [undefined],
        [got?.[0], ...(want ? shown : [])],
        `${regexp} on ${JSON.stringify(text)}`,
      )
      if (want) matched += 1
    }
  }
  t.true(matched > 2_000)
})

function made(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(source, flags)
  } catch {
    return undefined
  }
}

const partsOf = (node: Node): readonly Node[] =>
  node.type === 'sequence' ? node.parts : node.type === 'choice' ? node.branches : 'node' in node ? [node.node] : []

function mayBeEmpty(node: Node): boolean {
  if (node.type === 'character') return false
  if (node.type === 'place') return true
  if (node.type === 'repeat') return node.least === 0 || mayBeEmpty(node.node)
  return node.type === 'choice' ? node.branches.some(mayBeEmpty) : partsOf(node).every(mayBeEmpty)
}

const hasEmptyLoop = (node: Node): boolean =>
  (node.type === 'repeat' && mayBeEmpty(node.node)) || partsOf(node).some(hasEmptyLoop)

test('lines that end with a newline alone are a place to the linear search, too', (t) => {
  for (const source of ['(?<![^\\n])b', 'a(?![^\\n])', '(?<![^\\n])(?:a|b)*(?![^\\n])']) {
    const { root, isPlain } = readTree(new RegExp(source))
    t.true(isPlain)
    const searcher = new Searcher(compile(root, '') ?? [])
    for (const text of ['', 'b', 'xb', 'a\nb', 'a\rb', 'a\r\nb', 'xa\n', 'a\u2028b', '\n', 'xx\r', 'ax'])
      t.is(searcher.find(text), new RegExp(source).test(text), `${source} on ${JSON.stringify(text)}`)
  }
})
