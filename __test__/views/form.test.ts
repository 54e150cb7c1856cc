// Forms, queries, multipart bodies, and GraphQL.
import test from 'ava'
import { block, shown } from '../support/view.js'

test('forms: names and values without their escapes', (t) => {
  const type = { contentType: 'application/x-www-form-urlencoded' }
  t.deepEqual(shown('a=1&b=x+y%20%C3%BC&c&=d&e=%zz&a=2', type), ['urlencoded', 'a: 1\nb: x y ü\nc\n: d\ne: %zz\na: 2'])
})

test('the query of a request without a body', (t) => {
  t.deepEqual(shown('', { path: '/x?q=a%26b&r', fromClient: true }), ['query', 'q: a&b\nr'])
  t.is(shown('', { path: '/x?q=a', fromClient: false })[0], 'text')
  t.is(shown('', { path: '/x?', fromClient: true })[1], '')
})

const multipart = [
  '--b',
  'Content-Disposition: form-data; name="title"',
  '',
  '{"not": "pretty"}',
  '--b',
  'Content-Disposition: form-data; name="file"; filename="a \\"b\\".json"',
  'Content-Type: application/json',
  '',
  '{"a":1}',
  '--b',
  'Content-Type: application/octet-stream',
  '',
  '\x00\x01',
  '--b--',
  '',
].join('\r\n')

test('multipart: each part with its name, and its content by a view of its own', (t) => {
  const expected = block(`
    title 17 bytes
      {"not": "pretty"}
    file "a \\"b\\".json" application/json, 7 bytes
      {
        "a": 1
      }
    part 3 application/octet-stream, 2 bytes
      00000000  00 01                                            ..
  `)
  t.deepEqual(shown(multipart, { contentType: 'multipart/form-data; boundary=b' }), ['multipart', expected])
  t.deepEqual(shown(multipart, { contentType: 'multipart/mixed' }), ['multipart', expected])
})

test('a multipart body that is cut, empty or no such thing', (t) => {
  const type = { contentType: 'multipart/form-data; boundary="b"' }
  t.regex(shown(multipart.slice(0, 100), type)[1], /^title \d+ bytes\n {2}\{"not": "pr?/)
  t.is(shown('--b\r\n\r\nbare\r\n--b--', type)[1], 'part 1 4 bytes\n  bare')
  t.deepEqual(shown('nothing', type), ['text', 'nothing\n[the view multipart has failed: its boundary does not occur]'])
  const deep = (level: number): string =>
    level === 0 ? 'end' : `--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${deep(level - 1)}`
  t.is(shown(deep(20), type)[0], 'multipart')
  const many = '--b\r\n\r\n'.repeat(100_000)
  t.regex(shown(many, type)[1], /\(\d+ more parts\)$/)
})

test('GraphQL: the query as it was written, variables and batches', (t) => {
  const one = JSON.stringify({ operationName: 'Q', query: 'query Q($id: ID!) {\n  user(id: $id)\n}' })
  const request = `${one.slice(0, -1)},"variables":{"id":12345678901234567890}}`
  const expected = block(`
    operationName: "Q"
    variables: {
      "id": 12345678901234567890
    }

    query Q($id: ID!) {
      user(id: $id)
    }
  `)
  const options = { contentType: 'application/json', fromClient: true }
  t.deepEqual(shown(request, options), ['graphql', expected])
  t.deepEqual(shown(`[${request},{"query":"{a}"}]`, options), ['graphql', `${expected}\n---\n\n{a}`])
  t.is(shown('{"query":"a search"}', options)[0], 'json')
  t.is(shown(request, { ...options, fromClient: false })[0], 'json')
  t.deepEqual(shown('{ a }', { contentType: 'application/graphql' }), ['graphql', '{ a }'])
  const cut = shown(request.slice(0, 60), options)
  t.is(cut[0], 'graphql')
  t.regex(cut[1], /^\{\n {2}"operationName": "Q",/)
})
