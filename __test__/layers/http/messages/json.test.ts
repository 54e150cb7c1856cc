// JSON lines and JSON text sequences as messages.
import test from 'ava'
import { faults, message, messages, shown, splitter, units } from '../../../support/messages.js'

const lines = () => splitter('application/x-ndjson')
const sequence = () => splitter('application/json-seq')

test('a line is a message, whatever its JSON; the last one needs no end, and blank ones are none', (t) => {
  const cases: [body: string, expected: string[]][] = [
    ['{"a":1}\n[2]\r\n', ['{"a":1}', '[2]']],
    ['1\n\n \t\r\n2', ['1', '<\n>', '< \t\r\n>', '2']],
    ['{"a":\n', ['{"a":']],
    ['', []],
    ['\n', ['<\n>']],
  ]
  for (const [body, expected] of cases) {
    t.deepEqual(shown(units(lines(), body)), expected)
    t.deepEqual(faults(lines, Buffer.from(body)), [], body)
  }
})

test('a line that is changed keeps its end, and has no break', (t) => {
  for (const [body, expected] of [
    ['1\r\n', 'true\r\n'],
    ['1\n', 'true\n'],
    ['1', 'true'],
  ] as const) {
    const one = message(units(lines(), body)[0] as never)
    Object.assign(one as object, { text: 'true' })
    t.is(one?.replacement()?.toString(), expected)
    t.throws(() => Object.assign(one as object, { text: '{\n}' }), {
      instanceOf: TypeError,
      message: 'a line of JSON cannot have a line break: JSON.stringify(value) writes none',
    })
    t.is(one?.text, 'true')
  }
})

test('a line of more than 1 MiB passes without a message, and the next one is one', (t) => {
  const by = lines()
  const piece = Buffer.alloc(100_000, 'x')
  const some = Array.from({ length: 12 }, () => by.push(piece)).flat()
  t.true(some.length > 0 && some.every((unit) => !unit.message))
  t.deepEqual(messages(by.push(Buffer.from('x\n1\n'))).length, 1)
  t.is(messages(units(lines(), Buffer.alloc(1_048_577, 'x'))).length, 0)
  t.is(messages(units(lines(), Buffer.alloc(1_048_576, 'x'))).length, 1)
})

const RS = '\x1e'
const sequences: [name: string, body: string, expected: string[]][] = [
  ['texts', `${RS}{"a":1}\n${RS}[2]\n${RS}"x"\n${RS}3\n`, ['{"a":1}', '[2]', '"x"', '3']],
  ['breaks within', `${RS}{\n "a": [\n1\n]\n}\n`, ['{\n "a": [\n1\n]\n}']],
  ['brackets in strings', `${RS}["{\\"[", "}"]\n${RS}2\n`, ['["{\\"[", "}"]', '2']],
  ['no text', `${RS}\n${RS}${RS}1\n`, [`<${RS}\n>`, `<${RS}>`, '1']],
  ['a cut text', `${RS}{"a":\n${RS}2\n`, [`<${RS}{"a":\n>`, '2']],
  ['too many brackets', `${RS}]]\n${RS}2\n`, [']]', '2']],
  ['no LF', `${RS}{"a":1}${RS}12${RS}"b"`, ['{"a":1}', `<${RS}12>`, '"b"']],
  ['what is outside', `x\n${RS}1\n\n y${RS}2\n`, ['<x\n>', '1', '<\n y>', '2']],
  ['an open string', `${RS}"a\n${RS}1\n`, [`<${RS}"a\n>`, '1']],
]

test('a text of a sequence ends at the LF behind it, and needs not wait for the next', (t) => {
  for (const [name, body, expected] of sequences) {
    t.deepEqual(shown(units(sequence(), body)), expected, name)
    t.deepEqual(faults(sequence, Buffer.from(body)), [], name)
  }
  t.deepEqual(shown(sequence().push(Buffer.from(`${RS}{"a":[1]}\n`))), ['{"a":[1]}'])
  t.is(messages(units(splitter('application/geo+json-seq'), `${RS}{}\n`)).length, 1)
})

test('a text of a sequence may be changed to any text without RS', (t) => {
  const one = message(units(sequence(), `${RS}{}`)[0] as never)
  Object.assign(one as object, { text: '{\n}' })
  t.is(one?.replacement()?.toString(), `${RS}{\n}\n`)
  t.throws(() => Object.assign(one as object, { text: `1${RS}2` }), { instanceOf: TypeError })
})
