// Header fields: order, case and duplicates are kept, look-ups know no case, and nothing unsendable gets in.
import test from 'ava'
import { HttpHeaders } from '../../src/flow/headers.js'

const sample = () =>
  new HttpHeaders(['Host', 'a', 'X-One', '1', 'x-two', '2', 'X-ONE', '3', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2'])

test('what was parsed is taken over as it is', (t) => {
  const raw = ['hOsT', 'a', 'X', '', 'X', '\xe9']
  const headers = new HttpHeaders(raw)
  t.is(headers.raw, raw)
  t.is(headers.size, 3)
  t.deepEqual(
    [...headers],
    [
      ['hOsT', 'a'],
      ['X', ''],
      ['X', '\xe9'],
    ],
  )
  t.is(headers.toString(), 'hOsT: a\r\nX: \r\nX: \xe9\r\n')
})

test('get joins what may be joined', (t) => {
  const headers = sample()
  t.is(headers.get('x-one'), '1, 3')
  t.is(headers.get('X-Two'), '2')
  t.is(headers.get('SET-COOKIE'), 'a=1')
  t.is(headers.get('x-three'), undefined)
  t.is(new HttpHeaders(['Cookie', 'a=1', 'cookie', 'b=2']).get('Cookie'), 'a=1; b=2')
  t.deepEqual(headers.getAll('x-one'), ['1', '3'])
  t.deepEqual(headers.getAll('set-cookie'), ['a=1', 'b=2'])
  t.deepEqual(headers.getAll('nothing'), [])
  t.true(headers.has('HOST'))
  t.false(headers.has('HOSTS'))
})

test('a name that is like another in length only is another', (t) => {
  const headers = new HttpHeaders(['abcd', '1'])
  t.is(headers.get('abce'), undefined)
  t.is(headers.get('ABCD'), '1')
  t.is(new HttpHeaders(['__proto__', '1']).get('constructor'), undefined)
  t.is(new HttpHeaders(['__proto__', '1']).get('__PROTO__'), '1')
})

test('set takes the first one’s place and drops the others', (t) => {
  const headers = sample()
  headers.set('x-One', 'new')
  t.deepEqual(headers.raw, ['Host', 'a', 'X-One', 'new', 'x-two', '2', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2'])
  headers.set('Added', 'x')
  t.deepEqual(headers.raw.slice(-2), ['Added', 'x'])
})

test('set takes several values, one field each', (t) => {
  const headers = sample()
  headers.set('set-cookie', ['c=3', 'd=4', 'e=5'])
  t.deepEqual(headers.getAll('Set-Cookie'), ['c=3', 'd=4', 'e=5'])
  headers.set('X-One', ['1', '2'])
  t.deepEqual(headers.raw.slice(2, 6), ['X-One', '1', 'X-One', '2'])
  headers.set('X-One', [])
  t.false(headers.has('x-one'))
  headers.set('New', ['a', 'b'])
  t.deepEqual(headers.raw.slice(-4), ['New', 'a', 'New', 'b'])
})

test('append adds at the end, delete removes all', (t) => {
  const headers = sample()
  headers.append('host', 'b')
  t.deepEqual(headers.raw.slice(-2), ['host', 'b'])
  t.true(headers.delete('HOST'))
  t.false(headers.delete('host'))
  t.deepEqual(headers.raw.slice(0, 2), ['X-One', '1'])
  t.is(headers.size, 5)
})

test('a clone is its own', (t) => {
  const headers = sample()
  const copy = headers.clone()
  copy.set('Host', 'b')
  t.is(headers.get('host'), 'a')
})

test('from takes pairs, objects and headers', (t) => {
  t.deepEqual(HttpHeaders.from([['A', '1'] as const, ['a', '2'] as const]).raw, ['A', '1', 'a', '2'])
  t.deepEqual(HttpHeaders.from({ A: '1', B: ['2', '3'] }).raw, ['A', '1', 'B', '2', 'B', '3'])
  t.deepEqual(HttpHeaders.from(sample()).raw, sample().raw)
  t.deepEqual(HttpHeaders.from([]).raw, [])
})

test('what cannot stand in a header is refused with a sentence, and nothing is changed', (t) => {
  const headers = sample()
  for (const name of ['', 'a b', 'a:', 'a\r\n', 'a\0', '\xe9', 'a(b)', ' a']) {
    t.throws(() => headers.set(name, 'x'), { instanceOf: TypeError, message: /is no field name/ }, JSON.stringify(name))
    t.throws(() => headers.append(name, 'x'), { instanceOf: TypeError }, JSON.stringify(name))
  }
  for (const value of ['a\r\nb', 'a\n', '\r', '\0', '\x0b', '\x7f']) {
    const message = /^the value of X-One has U\+00[01][0AB]|U\+000D|U\+007F: control characters/
    t.throws(() => headers.set('X-One', value), { instanceOf: TypeError, message }, JSON.stringify(value))
    t.throws(() => headers.append('X-One', value), { instanceOf: TypeError }, JSON.stringify(value))
  }
  t.throws(() => headers.set('X-One', ['fine', 'not\nfine']), { instanceOf: TypeError })
  // Written as latin1, U+010A would be a LF.
  t.throws(() => headers.set('X-One', '\u010a'), {
    message: 'the value of X-One has U+010A: a character is one byte here, so encode it first',
  })
  t.throws(() => headers.set('X-One', 5 as unknown as string), { instanceOf: TypeError })
  t.throws(() => HttpHeaders.from({ 'X-One': 'a\nb' }), { instanceOf: TypeError })
  t.deepEqual(headers.raw, sample().raw)
  headers.set('X-One', '\t \xff~')
  t.is(headers.get('x-one'), '\t \xff~')
})
