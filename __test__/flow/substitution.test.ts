// Replacements as Python's re.sub has them: groups, escapes, bytes.
import test from 'ava'
import { compileSubstitution } from '../../src/flow/substitution.js'

const TEXT = { caseSensitive: true }
const BYTES = { caseSensitive: true, bytes: true, dotAll: true }
const sub = (source: string, replacement: string, text: string) =>
  compileSubstitution(source, TEXT, replacement).replace(text)

/** Expression, replacement, text, and what Python 3 makes of them. */
const TABLE: readonly (readonly [string, string, string, string])[] = [
  ['a', 'b', 'aXa', 'bXb'],
  ['(\\w+) (\\w+)', '\\2 \\1', 'one two', 'two one'],
  ['(?P<first>\\w)(\\w)', '\\g<2>\\g<first>', 'abcd', 'badc'],
  ['b', '[\\g<0>]', 'abc', 'a[b]c'],
  ['(a)(b)?', '<\\2>', 'a', '<>'],
  ['x', '$1 $& $$', 'x', '$1 $& $$'],
  ['x', '\\n\\t\\\\\\.', 'x', '\n\t\\\\.'],
  ['x', '\\0\\101', 'x', '\0A'],
  ['(x)', '\\g<1>0', 'x', 'x0'],
  ['x*', '-', 'abxd', '-a-b--d-'],
  ['A', 'b', 'a', 'a'],
  ['(?i)A', 'b', 'a', 'b'],
  ['', '', 'abc', 'abc'],
]

for (const [source, replacement, text, wanted] of TABLE) {
  test(`re.sub(${source}, ${JSON.stringify(replacement)}, ${text})`, (t) => {
    t.is(sub(source, replacement, text), wanted)
  })
}

test('bytes are matched and written as bytes, and the dot matches newlines', (t) => {
  const octets = (text: string) => Buffer.from(text).toString('latin1')
  const replaced = compileSubstitution('ü(.)é', BYTES, 'ö\\1\\xff').replace(octets('aü\néb'))
  t.deepEqual(
    Buffer.from(replaced, 'latin1'),
    Buffer.concat([Buffer.from('aö\n'), Buffer.from([0xff]), Buffer.from('b')]),
  )
})

test('a literal replacement has neither groups nor escapes', (t) => {
  t.is(compileSubstitution('(x)', TEXT, { literal: () => '\\1$1\\q' }).replace('axb'), 'a\\1$1\\qb')
})

test('a match is found with its groups', (t) => {
  const { find } = compileSubstitution('b(.)', TEXT, '')
  t.deepEqual([...(find('abc') ?? [])], ['bc', 'c'])
  t.is(find('xyz'), undefined)
})

test('what is wrong is said when the rule is read', (t) => {
  const wrong = (source: string, replacement: string) => t.throws(() => compileSubstitution(source, TEXT, replacement))
  t.regex(wrong('(', '')?.message ?? '', /there is no \) for this \(/)
  t.regex(wrong('a', '\\1')?.message ?? '', /no group 1/)
  t.regex(wrong('(?P<a>x)', '\\g<b>')?.message ?? '', /no group b/)
  t.regex(wrong('a', '\\g<>')?.message ?? '', /names no group/)
  t.regex(wrong('a', '\\q')?.message ?? '', /\\q, which means nothing/)
  t.regex(wrong('a', 'b\\')?.message ?? '', /means nothing/)
})
