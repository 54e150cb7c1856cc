// What `redact` takes out of JSON, forms, URLs, events and messages, and what it leaves as it is.
import test from 'ava'
import { parseSecrets } from '../../src/flow/redact.js'
import { type FieldPath, parseFieldPath, redactJson } from '../../src/flow/redact-json.js'
import { redactBody, redactMessageBytes, redactParameters } from '../../src/flow/redact-text.js'

const path = (text: string) => parseFieldPath(text) as FieldPath
const json = (text: string, field: string, strict = true) => redactJson(text, [path(field)], strict)
const secrets = (...entries: string[]) => parseSecrets(entries)

/** A path, a text, and the text without the secret. */
const TABLE: readonly (readonly [string, string, string])[] = [
  ['$.a', '{"a":"s"}', '{"a":"REDACTED"}'],
  ['$.a', ' { "a" : 12.5e3 , "b" : 1 } ', ' { "a" : "REDACTED" , "b" : 1 } '],
  ['$.a', '{"a":{"b":["}"]},"c":[{"a":1}]}', '{"a":"REDACTED","c":[{"a":1}]}'],
  ['$.a', '{"b":{"a":1}}', '{"b":{"a":1}}'],
  ['$..a', '{"b":{"a":1},"c":[[{"a":null}]]}', '{"b":{"a":"REDACTED"},"c":[[{"a":"REDACTED"}]]}'],
  ['$.b.a', '{"b":[{"a":1},{"a":2}],"a":3}', '{"b":[{"a":"REDACTED"},{"a":"REDACTED"}],"a":3}'],
  ['$.b[*].a', '{"b":[{"a":1}]}', '{"b":[{"a":"REDACTED"}]}'],
  ['$.*.a', '{"b":{"a":1},"a":2}', '{"b":{"a":"REDACTED"},"a":2}'],
  ['$.a', '[{"a":1},{"a":2}]', '[{"a":"REDACTED"},{"a":"REDACTED"}]'],
  ["$['a b']", '{"a b":1}', '{"a b":"REDACTED"}'],
  ['$.ä', '{"ä":1}', '{"ä":"REDACTED"}'],
  ['$.pass', '{"p\\u0061ss":"s"}', '{"p\\u0061ss":"REDACTED"}'],
  ['$.a', '{"a":"x\\"y\\\\","b":"a"}', '{"a":"REDACTED","b":"a"}'],
  ['$.a', '{"b":"\\"a\\":1","a":true}', '{"b":"\\"a\\":1","a":"REDACTED"}'],
  ['$.a', '{"a":1}\n{"b":{}}\n{"a":2}', '{"a":"REDACTED"}\n{"b":{}}\n{"a":"REDACTED"}'],
  ['$.a', '{"a":"cut in the mid', '{"a":"REDACTED"'],
  ['$.a', '{"a":["cut', '{"a":"REDACTED"'],
  ['$.a', '{"a', '{"a'],
  ['$.a', `)]}',\n{"a":1}`, `)]}',\n{"a":"REDACTED"}`],
  ['$.a', "{'a':'s'}", '{REDACTED'],
  ['$.a', '{a:"s"}', '{REDACTED'],
  ['$.a', '\x1e{"a":1}\n\x1e{"a":2}\n', '\x1e{"a":"REDACTED"}\n\x1e{"a":"REDACTED"}\n'],
  ['$.a', '', ''],
  ['$.a', ']]}}{"a":1}', ']]}}{"a":"REDACTED"}'],
]

for (const [field, text, wanted] of TABLE) {
  test(`${field} in ${text}`, (t) => {
    const octets = (one: string) => Buffer.from(one).toString('latin1')
    t.is(json(octets(text), field), octets(wanted))
  })
}

test('a text that is deep, long or full of escapes takes no longer than it is long', (t) => {
  const deep = '['.repeat(300_000)
  t.is(json(deep, '$..a'), deep)
  const long = `{"b":"${'\\\\'.repeat(500_000)}","a":"${'x'.repeat(1_000_000)}"}`
  t.true(json(long, '$.a').endsWith('"a":"REDACTED"}'))
  const loose = `{${'x '.repeat(500_000)}"a":1}`
  t.true(json(loose, '$.a', false).endsWith('"a":"REDACTED"}'))
})

test('parameters of URLs and forms, however their names are written', (t) => {
  const redact = (text: string) => redactParameters(text, secrets('?token'))
  t.is(redact('/a?x=1&token=s&y=2'), '/a?x=1&token=REDACTED&y=2')
  t.is(redact('/a?tok%65n=s#token=t'), '/a?tok%65n=REDACTED#token=REDACTED')
  t.is(redact('token=s&x=1'), 'token=REDACTED&x=1')
  t.is(redact('a=b; token=s'), 'a=b; token=REDACTED')
  t.is(redact('the server has refused https://a/?token=s: so'), 'the server has refused https://a/?token=REDACTED so')
  t.is(redact('/token/mytoken=1?tokens=2&%=1'), '/token/mytoken=1?tokens=2&%=1')
})

test('bodies by their type', (t) => {
  const redact = (type: string | undefined, text: string) =>
    `${redactBody(Buffer.from(text), type, secrets('$.a', '?a'))}`
  t.is(redact('application/vnd.api+json; charset=utf-8', '{"a":1}'), '{"a":"REDACTED"}')
  t.is(redact('text/plain', ' {"a":1, b c}'), ' {"a":"REDACTED", b c}')
  t.is(redact(undefined, 'a=1 {"a":1}'), 'a=1 {"a":1}')
  t.is(redact('application/x-www-form-urlencoded', 'b=1&a=2'), 'b=1&a=REDACTED')
  const events = 'id: 1\ndata: {"a":\ndata: "s"}\nevent: x\n\ndata:{"b":1}\n\ndata: {"a":2}\n\n'
  t.is(
    redact('text/event-stream', events),
    'id: 1\ndata: {"a":\ndata: "REDACTED"}\nevent: x\n\ndata:{"b":1}\n\ndata: {"a":"REDACTED"}\n\n',
  )
})

test('messages, also behind the packet type of socket.io', (t) => {
  const redact = (text: string) => `${redactMessageBytes(Buffer.from(text), secrets('$..a'))}`
  t.is(redact('{"a":1}'), '{"a":"REDACTED"}')
  t.is(redact('42/room,7["x",{"a":1}]'), '42/room,7["x",{"a":"REDACTED"}]')
  t.is(redact('hello {"a":1}'), 'hello {"a":1}')
})

test('the option names fields, parameters and headers', (t) => {
  const { headers, parameters, fields } = secrets('Authorization, cookie,$.a.b', '?token', ' ')
  t.deepEqual([...headers], ['authorization', 'cookie'])
  t.deepEqual([...parameters], ['token'])
  t.deepEqual(fields, [['a', 'b']])
  for (const wrong of ['$', '$a', '$.', '$.a.', '$.a[0]', '$..', 'a b', '?', 'a:b']) {
    t.throws(() => parseSecrets([wrong]), { message: /^redact: .* is not the name of a header field/ }, wrong)
  }
})
