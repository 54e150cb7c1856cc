// Rules of options: their separator, their parts, their filter, and what is wrong with them.
import test from 'ava'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest } from '../../src/flow/http.js'
import { parseRule, partsOf } from '../../src/flow/rule.js'

function flowTo(path: string): HttpFlow {
  const world = { newId: () => '1', now: () => 0, act: () => {} }
  const origin = { world, client: {} as never, server: undefined, now: 0 }
  const headers = new HttpHeaders()
  const parts = { method: 'GET', path, scheme: 'http', host: 'example.org', port: 80, version: '1.1', headers } as const
  return new HttpFlow(origin, new HttpRequest(parts, 0, 0))
}

test('the first character separates, and the last part may have it', (t) => {
  const parts = (text: string) => {
    const { subject, replacement } = parseRule(text, 'rule')
    return [subject, replacement]
  }
  t.deepEqual(parts('/a/b'), ['a', 'b'])
  t.deepEqual(parts('/a/'), ['a', ''])
  t.deepEqual(parts('|a|b/c'), ['a', 'b/c'])
  t.deepEqual(parts('/~all/a/b/c/d'), ['a', 'b/c/d'])
  t.deepEqual(parts(':~m GET:a:'), ['a', ''])
  t.deepEqual(parts('🙂a🙂b'), ['a', 'b'])
  t.deepEqual(partsOf('', 3), [])
  t.deepEqual(partsOf('/a/b/c', 2), ['a', 'b/c'])
})

test('a rule without a filter is for all flows', (t) => {
  t.true(parseRule('/a/b', 'rule').matches(flowTo('/x')))
  const rule = parseRule('/~u yes/a/b', 'rule')
  t.true(rule.matches(flowTo('/yes')))
  t.false(rule.matches(flowTo('/no')))
  t.false(rule.seeksBodies)
  t.true(parseRule('/~q & ~bq x/a/b', 'rule').seeksBodies)
})

test('a wrong rule is named, with the place in its filter', (t) => {
  for (const text of ['', '/', '/a', 'a', '//b', '/~all//b']) {
    const error = t.throws(() => parseRule(text, 'map_remote, rule 2'), { code: 'ERR_OPTION' } as never)
    t.regex(error?.message ?? '', /^map_remote, rule 2: a rule is \/SUBJECT\/REPLACEMENT or/)
  }
  const error = t.throws(() => parseRule('/~nothing/a/b', 'map_remote, rule 2'), { code: 'ERR_FILTER' } as never)
  t.regex(error?.message ?? '', /^filter: map_remote, rule 2, there is no operator ~nothing/)
})
