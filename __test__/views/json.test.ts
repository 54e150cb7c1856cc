// JSON as it is shown: nothing is lost, and what is no JSON is shown as far as it goes.
import test from 'ava'
import { block, rendered, shown } from '../support/view.js'

const type = { contentType: 'application/json; charset=utf-8' }

test('an entry a line; numbers, equal keys and escapes stay as they are written', (t) => {
  const text = '{"id":12345678901234567890,"a":1.50,"a":{},"\\u0041":[],"l":[true,null,-1e9,"x\\"\\\\"]}'
  const expected = block(`
    {
      "id": 12345678901234567890,
      "a": 1.50,
      "a": {},
      "\\u0041": [],
      "l": [
        true,
        null,
        -1e9,
        "x\\"\\\\"
      ]
    }
  `)
  t.deepEqual(shown(text, type), ['json', expected])
})

test('styles tell keys, strings, numbers and words apart', (t) => {
  const { lines } = rendered('{"a":[1,"b",null]}', type)
  const styled = lines.flatMap((line) => line.filter((part) => typeof part !== 'string'))
  t.deepEqual(styled, [
    ['name', '"a"'],
    ['number', '1'],
    ['string', '"b"'],
    ['literal', 'null'],
  ])
})

test('JSON lines, sequences, a byte order mark, a guard against scripts', (t) => {
  t.deepEqual(shown('{"a":1}\n[]\n\n7\n', { contentType: 'application/x-ndjson' }), ['json', '{\n  "a": 1\n}\n[]\n7'])
  t.deepEqual(shown('\x1e1\n\x1e{}\n', { contentType: 'application/json-seq' }), ['json', '1\n{}'])
  t.deepEqual(shown('\ufeff[1]', type), ['json', '[\n  1\n]'])
  t.deepEqual(shown(")]}'\n[1]", type), ['json', ")]}'\n[\n  1\n]"])
})

test('what is no JSON, or is cut, is shown as far as it goes', (t) => {
  t.deepEqual(shown('{"a":1,}', type), ['json', '{\n  "a": 1\n(no JSON from character 8 on)\n}'])
  t.deepEqual(shown('[1,', type), ['json', '[\n  1\n(the JSON ends before it is complete)'])
  t.deepEqual(shown('{"a":"b', type), ['json', '{\n  "a": \n(no JSON from character 6 on)\n"b'])
  for (const text of ['[1 2]', '{"a" 1}', '{1:2}', '[}', '{"a":1]', '1,2', '[1]]', '{"a":,}', '[:]', '{"a"}']) {
    t.regex(shown(text, type)[1], /no JSON|complete/, text)
  }
  t.deepEqual(shown('<p>', type), ['text', '<p>\n[the view json has failed: it is no JSON]'])
})

test('without a type it is known by its bytes, and text in brackets is not taken for it', (t) => {
  for (const text of ['{"a":1}', ' [1,2]', '[]', `[${'"abc",'.repeat(1000)}`]) t.is(shown(text)[0], 'json', text)
  for (const text of ['[2026-01-01] started', '[1] a note', '{ color: red }', '{', '{"a":1} and more']) {
    t.is(shown(text)[0], 'text', text)
  }
  t.is(shown('{"a":1}', { contentType: 'application/x-www-form-urlencoded' })[0], 'json')
})

test('a million brackets cost no more than their lines', (t) => {
  const { lines, cut } = rendered('['.repeat(1_000_000), { ...type, lines: 1000 })
  t.is(lines.length, 1000)
  t.true(cut)
  const all = rendered('['.repeat(1_000_000), { ...type, bytes: Number.POSITIVE_INFINITY })
  t.true(all.cut)
  t.true(all.lines.length <= 200_000)
  t.true(all.lines.every((line) => line.join('').length < 60))
})
