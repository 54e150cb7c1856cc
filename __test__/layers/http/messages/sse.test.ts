// Event streams: what is an event, in whatever pieces it comes, and what is written of one that was changed.
import test from 'ava'
import type { StreamMessage } from '../../../../src/flow/stream-message.js'
import { faults, message, messages, shown, splitter, units } from '../../../support/messages.js'

const sse = () => splitter('text/event-stream')

const streams: [name: string, body: string, expected: string[]][] = [
  ['data', 'data: a\n\ndata:b\n\n', ['a', 'b']],
  ['lines of data', 'data: a\ndata:  b\ndata\n\n', ['a\n b\n']],
  ['no value', 'data\n\ndata:\n\n', ['', '']],
  ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
  ['CR', 'data: a\r\rdata: b\r\r', ['a', 'b']],
  ['a mixture', 'data: a\r\n\ndata: b\n\r\n', ['a', 'b']],
  ['comments alone', ': ping\n\ndata: a\n: note\n\n', ['<: ping\n\n>', 'a']],
  ['no data', 'event: a\nid: 1\n\nretry: 5\n\n', ['<event: a\nid: 1\n\n>', '<retry: 5\n\n>']],
  ['empty lines', '\n\n\ndata: a\n\n\n', ['<\n>', '<\n>', '<\n>', 'a', '<\n>']],
  ['a cut event', 'data: a\n\ndata: b\n', ['a', '<data: b\n>']],
  ['a byte order mark', '\xef\xbb\xbfdata: a\n\n', ['<\xef\xbb\xbf>', 'a']],
  ['a mark that is none', 'data: a\n\n\xef\xbb\xbfdata: b\n\n', ['a', '<\xef\xbb\xbfdata: b\n\n>']],
  ['an unknown field', 'Data: a\ndatas: b\n data: c\n\n', ['<Data: a\ndatas: b\n data: c\n\n>']],
  ['colons', 'data: a:b: c\n\n', ['a:b: c']],
]

test('an event is what has data, up to an empty line', (t) => {
  for (const [name, body, expected] of streams) {
    t.deepEqual(shown(units(sse(), body)), expected, name)
    t.deepEqual(faults(sse, Buffer.from(body, 'latin1')), [], name)
  }
})

test('event, id and retry are fields of one line; the last counts, and a false one does not', (t) => {
  const fields = (body: string) => messages(units(sse(), body))
  t.deepEqual(fields('event: a\nid: 1\nretry: 10\ndata: x\n\n'), ['["x","a","1",10]'])
  t.deepEqual(fields('event: a\nevent: b\nid: 1\nid: a\0b\nretry: 1s\ndata: x\n\n'), ['["x","b","1",null]'])
  t.deepEqual(fields('id\nevent\ndata: x\n\n'), ['["x","","",null]'])
  t.deepEqual(fields('data: x\n\ndata: y\n\n'), ['["x",null,null,null]', '["y",null,null,null]'])
})

test('an event goes on as soon as its empty line has begun: the LF of a CRLF may come later', (t) => {
  const by = sse()
  t.deepEqual(shown(by.push(Buffer.from('data: a\r\n\r'))), ['a'])
  t.deepEqual(shown(by.push(Buffer.from('\ndata: b\r\n\r'))), ['<\n>', 'b'])
  t.deepEqual(shown(by.push(Buffer.from('\r'))), ['<\r>'])
})

/** What is sent in the place of the first event. */
function changed(body: string, change: (message: StreamMessage) => void): string | undefined {
  const [unit] = units(sse(), body)
  const one = unit && message(unit)
  if (!one) throw new Error('no event')
  change(one)
  return one.replacement()?.toString()
}

test('of an event that is changed, only the lines that change are written anew', (t) => {
  const body = ': note\r\nid: 7\r\nevent: a\r\ndata: x\r\ndata: y\r\nretry: 5\r\nodd\r\n\r\n'
  const cases: [change: (message: StreamMessage) => void, expected: string | undefined][] = [
    [() => {}, undefined],
    [(one) => Object.assign(one, { event: 'a', id: '7' }), undefined],
    [(one) => Object.assign(one, { text: 'z' }), body.replace('data: x\r\ndata: y', 'data: z')],
    [
      (one) => Object.assign(one, { text: 'p\nq\r\n\rr' }),
      body.replace('x\r\ndata: y', 'p\r\ndata: q\r\ndata:\r\ndata: r'),
    ],
    [(one) => Object.assign(one, { text: '' }), body.replace('data: x\r\ndata: y', 'data:')],
    [(one) => Object.assign(one, { event: 'b' }), body.replace('event: a', 'event: b')],
    [(one) => Object.assign(one, { event: undefined }), body.replace('event: a\r\n', '')],
    [(one) => Object.assign(one, { id: '8' }), body.replace('id: 7', 'id: 8')],
    [(one) => one.drop(), ''],
  ]
  for (const [change, expected] of cases) t.is(changed(body, change), expected)
  t.is(
    changed('data: x\n\n', (one) => Object.assign(one, { event: 'b', id: '\u00e4' })),
    'event: b\nid: \u00e4\ndata: x\n\n',
  )
})

test('what is written is read as it was set', (t) => {
  for (const text of ['', ' a', 'a\nb', ':', '\n', 'data: x\n\ndata: y', '\u00e4\u{1f600}', 'a\n']) {
    const again = changed('data: x\r\rdata: z\r\r', (one) => Object.assign(one, { text }))
    t.is(message(units(sse(), Buffer.from(again ?? ''))[0] as never)?.text, text)
  }
})

test('an event or id of two lines is refused, and so are those of other kinds', (t) => {
  for (const value of ['a\nb', 'a\r', 'a\0']) {
    t.throws(() => changed('data: x\n\n', (one) => Object.assign(one, { event: value })), { instanceOf: TypeError })
    t.throws(() => changed('data: x\n\n', (one) => Object.assign(one, { id: value })), { instanceOf: TypeError })
  }
  const [unit] = units(splitter('application/jsonl'), '1\n')
  t.throws(() => Object.assign(message(unit as never) as object, { event: 'a' }), {
    message: 'a message of the kind ndjson has no event',
  })
})

test('an event of more than 1 MiB passes as it comes, and the next one is a message', (t) => {
  const by = sse()
  const line = Buffer.from(`data: ${'x'.repeat(65_529)}\n`)
  let passed = 0
  for (let at = 0; at < 40; at++) {
    const some = by.push(line)
    t.true(some.every((unit) => !unit.message))
    passed += some.reduce((sum, { raw }) => sum + raw.length, 0)
    t.true(passed >= (at + 1) * 65_536 - 1_048_576, 'no more than 1 MiB is held')
  }
  t.is(passed, 40 * 65_536)
  t.deepEqual(shown(by.push(Buffer.from('\ndata: a\n\n'))), ['<\n>', 'a'])
  const long = Buffer.from(`data: ${'x'.repeat(1_048_576 - 8)}\n\n`)
  t.is(messages(units(sse(), long)).length, 1)
  t.is(messages(units(sse(), Buffer.concat([Buffer.from(':'), long]))).length, 0)
})

test('a stream that comes byte by byte costs no memory for each', (t) => {
  const by = sse()
  const one = Buffer.from('x')
  for (let at = 0; at < 1_000_000; at++) by.push(one)
  const [unit] = by.end()
  t.is(unit?.raw.length, 1_000_000)
})
