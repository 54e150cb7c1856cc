// Heads: what is kept exactly, what is refused, and the limits.
import test from 'ava'
import { HttpError } from '../../../../src/layers/http/error.js'
import {
  findHeadEnd,
  limitHead,
  MAX_FIELDS,
  MAX_HEAD,
  parseRequestHead,
  parseResponseHead,
  skipEmptyLines,
} from '../../../../src/layers/http/h1/head.js'
import { bytes } from '../../../support/http1.js'

function request(text: string) {
  const buffer = bytes(text)
  return parseRequestHead(buffer, 0, findHeadEnd(buffer, 0))
}

function response(text: string) {
  const buffer = bytes(text)
  return parseResponseHead(buffer, 0, findHeadEnd(buffer, 0))
}

const refusal = (read: () => unknown): [number, string] => {
  try {
    read()
  } catch (error) {
    if (error instanceof HttpError) return [error.status, error.message]
    throw error
  }
  return [0, 'not refused']
}

test('a request head is kept as it stood', (t) => {
  const head = request(
    'PROPFIND /a?b=%20#c HTTP/1.1\r\nhOsT:a:8080\r\nX-Empty:\r\nX: \t a  b\t \r\nx: \xe9\x80\r\nX:1:2\r\n\r\n',
  )
  t.is(head.method, 'PROPFIND')
  t.is(head.target, '/a?b=%20#c')
  t.is(head.version, '1.1')
  t.deepEqual(head.headers.raw, ['hOsT', 'a:8080', 'X-Empty', '', 'X', 'a  b', 'x', '\xe9\x80', 'X', '1:2'])
})

test('a head is read from the middle of a buffer', (t) => {
  const text = 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n'
  const buffer = bytes(`before${text}after: x\r\n\r\n`)
  const end = findHeadEnd(buffer, 6)
  t.is(end, 6 + text.length)
  t.deepEqual(parseRequestHead(buffer, 6, end).headers.raw, ['Host', 'a', 'X', '1'])
})

test('methods are tokens, known or not', (t) => {
  t.is(request("M-SEARCH!#$%&'*+.^_`|~9 / HTTP/1.1\r\nHost: a\r\n\r\n").method, "M-SEARCH!#$%&'*+.^_`|~9")
  for (const method of ['', 'GE(T', 'G"', 'G\0', 'G/', 'G:', 'G\xe9', 'G\x7f', 'G@', '{}']) {
    t.is(refusal(() => request(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`))[0], 400, method)
  }
  t.deepEqual(
    refusal(() => request('GE(T / HTTP/1.1\r\nHost: a\r\n\r\n')),
    [400, 'the method has "(" at byte 2 of it'],
  )
})

test('targets have one of four forms', (t) => {
  const line = (method: string, target: string) => () => request(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const good = [
    ['GET', '/'],
    ['GET', '//a'],
    ['GET', '/\xe9\xff'],
    ['GET', 'http://a'],
    ['GET', 'HTTP://a:80/?b'],
    ['GET', 'coap+tcp://a/'],
    ['OPTIONS', '*'],
    ['CONNECT', 'a:443'],
    ['CONNECT', '[::1]:443'],
  ] as const
  for (const [method, target] of good) t.is(line(method, target)().target, target)
  const bad = [
    ['GET', '*'],
    ['GET', 'a'],
    ['GET', 'a:443'],
    ['GET', '?a'],
    ['GET', 'http:///a'],
    ['GET', '://a'],
    ['GET', 'http://u@a/'],
    ['GET', 'http://\xe9/'],
    ['GET', 'http://a\\b/'],
    ['GET', ''],
    ['GET', '/\x01'],
    ['GET', '/\x7f'],
    ['GET', '/\t'],
    ['CONNECT', '/'],
    ['CONNECT', 'a'],
    ['CONNECT', ':443'],
    ['CONNECT', 'a:'],
    ['CONNECT', 'a:0'],
    ['CONNECT', 'a:65536'],
    ['CONNECT', 'a:1x'],
    ['CONNECT', 'a/b:1'],
    ['CONNECT', 'u@a:1'],
    ['CONNECT', 'http://a:1'],
  ] as const
  for (const [method, target] of bad) t.is(refusal(line(method, target))[0], 400, `${method} ${target}`)
})

test('no control byte but a tab passes in a request, and no NUL, CR or LF in a response', (t) => {
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code)
    const text = code === 9 || (code >= 32 && code !== 127)
    const value = refusal(() => request(`GET / HTTP/1.1\r\nHost: a\r\nX: a${character}b\r\n\r\n`))
    t.is(value[0], text ? 0 : 400, `value ${code}`)
    const name = refusal(() => request(`GET / HTTP/1.1\r\nHost: a\r\nX${character}Y: 1\r\n\r\n`))
    t.is(name[0], /[!#$%&'*+\-.^_`|~\w:]/.test(character) ? 0 : 400, `name ${code}`)
    const target = refusal(() => request(`GET /${character} HTTP/1.1\r\nHost: a\r\n\r\n`))
    t.is(target[0], text && code > 32 ? 0 : 400, `target ${code}`)
    const reason = refusal(() => response(`HTTP/1.1 200 a${character}b\r\n\r\n`))
    t.is(reason[0], [0, 10, 13].includes(code) ? 502 : 0, `reason ${code}`)
  }
})

test('a refusal names the field and the byte', (t) => {
  const field = (line: string) => refusal(() => request(`GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`))[1]
  t.is(field('X: a\0'), 'the value of X has NUL at byte 1 of it')
  t.is(field('X: a\rb'), 'the value of X has a bare CR at byte 1 of it')
  t.is(field('X: a\nb: c'), 'the value of X has a bare LF at byte 1 of it')
  t.is(field('X : a'), 'field line 2 has a space in its name, after "X"')
  t.is(field('X@: a'), 'field line 2 has "@" in its name, after "X"')
  t.is(field(': a'), 'field line 2 has no name before its colon')
  t.is(field('abc'), 'field line 2 has no colon: "abc"')
  t.is(field(' folded'), 'field line 2 begins with a space: folded lines are not allowed')
})

test('exactly one Host in HTTP/1.1, at most one in HTTP/1.0', (t) => {
  const host = (version: string, fields: string) => refusal(() => request(`GET / HTTP/${version}\r\n${fields}\r\n`))
  t.deepEqual(host('1.1', 'X: 1\r\n'), [400, 'there is no Host field'])
  t.deepEqual(host('1.1', 'Host: a\r\nhost: a\r\n'), [400, 'there are two Host fields'])
  t.is(host('1.0', '')[0], 0)
  t.is(host('1.0', 'Host: a\r\nHOST: b\r\n')[0], 400)
  t.is(host('1.1', 'Host:\r\n')[0], 0)
  for (const good of ['a', 'a_b.c:80', '[::1]:80', '10.0.0.1', 'a%20b', 'a:'])
    t.is(host('1.1', `Host: ${good}\r\n`)[0], 0)
  for (const bad of ['a b', 'a/', 'a?', 'a#', 'u@a', 'a\\b', 'é', 'a"', '<a>'])
    t.is(host('1.1', `Host: ${bad}\r\n`)[0], 400)
})

test('versions: 1.0, 1.1, later ones of HTTP/1 as 1.1, and 505 for the others', (t) => {
  const version = (text: string) => refusal(() => request(`GET / ${text}\r\nHost: a\r\n\r\n`))[0]
  t.is(version('HTTP/1.1'), 0)
  t.is(version('HTTP/1.0'), 0)
  t.is(version('HTTP/1.2'), 0)
  t.is(request('GET / HTTP/1.9\r\nHost: a\r\n\r\n').version, '1.1')
  t.is(response('HTTP/1.2 200 OK\r\n\r\n').version, '1.1')
  for (const other of ['HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9']) t.is(version(other), 505)
  for (const other of ['HTTP/1', 'HTTP/1.', 'HTTP/11', 'HTTP/1.11', 'HTTP/1,1', 'http/1.1', 'HTTQ/1.1', ''])
    t.is(version(other), 400)
  t.is(refusal(() => response('HTTP/2.0 200 OK\r\n\r\n'))[0], 502)
})

test('a response head is kept as it stood', (t) => {
  const head = response('HTTP/1.0 404 Gone  \xe9way \r\nX: 1\r\n\r\n')
  t.deepEqual([head.version, head.status, head.reason, head.headers.raw], ['1.0', 404, 'Gone  \xe9way ', ['X', '1']])
  t.is(response('HTTP/1.1 200\r\n\r\n').reason, '')
  t.is(response('HTTP/1.1 200 \r\n\r\n').reason, '')
  t.is(response('HTTP/1.1 999 Odd\r\n\r\n').status, 999)
  for (const line of [
    'HTTP/1.1 099 X',
    'HTTP/1.1 20',
    'HTTP/1.1 2000',
    'HTTP/1.1 +20 X',
    'HTTP/1.1  200',
    'HTTP/1.1',
    'HTTP/1.1\t200 X',
  ]) {
    t.is(refusal(() => response(`${line}\r\n\r\n`))[0], 502, line)
  }
})

test('limits: fields', (t) => {
  const fields = (count: number) => 'X: 1\r\n'.repeat(count)
  const head = (count: number) => `GET / HTTP/1.1\r\nHost: a\r\n${fields(count - 1)}\r\n`
  t.is(request(head(MAX_FIELDS)).headers.size, MAX_FIELDS)
  t.deepEqual(
    refusal(() => request(head(MAX_FIELDS + 1))),
    [431, 'there are more than 2000 fields'],
  )
  t.is(refusal(() => response(`HTTP/1.1 200 OK\r\n${fields(MAX_FIELDS + 1)}\r\n`))[0], 502)
})

test('limits: bytes', (t) => {
  const head = (size: number) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(size - 32)}\r\n\r\n`
  t.is(head(MAX_HEAD.request).length, MAX_HEAD.request)
  t.is(request(head(MAX_HEAD.request)).headers.size, 2)
  t.deepEqual(
    refusal(() => request(head(MAX_HEAD.request + 1))),
    [431, 'the head is longer than 65536 bytes'],
  )
  const long = `GET /${'x'.repeat(MAX_HEAD.request)} HTTP/1.1\r\nHost: a\r\n\r\n`
  t.deepEqual(
    refusal(() => request(long)),
    [414, 'the request line is longer than 65536 bytes'],
  )
  const part = bytes(long)
  t.is(refusal(() => limitHead(part, 0, MAX_HEAD.request, 'request'))[0], 0)
  t.is(refusal(() => limitHead(part, 0, MAX_HEAD.request + 1, 'request'))[0], 414)
  t.is(refusal(() => limitHead(part, 0, MAX_HEAD.request + 1, 'response'))[0], 0)
  const larger = bytes('x'.repeat(MAX_HEAD.response + 1))
  t.is(refusal(() => limitHead(larger, 0, MAX_HEAD.response, 'response'))[0], 0)
  t.is(refusal(() => limitHead(larger, 0, MAX_HEAD.response + 1, 'response'))[0], 502)
})

test('the end of a head is found, also of one that ends in bare LFs', (t) => {
  t.is(findHeadEnd(bytes('a\r\nb\r\n'), 0), -1)
  t.is(findHeadEnd(bytes('a\r\n\r\nb\r\n\r\n'), 0), 5)
  t.is(findHeadEnd(bytes('a\r\n\r\nb\r\n\r\n'), 5), 10)
  t.is(findHeadEnd(bytes('a\n\nb'), 0), 3)
  t.is(findHeadEnd(bytes('a\n\r\nb\n\n'), 0), 4)
  t.is(refusal(() => request('GET / HTTP/1.1\nHost: a\n\n'))[0], 400)
})

test('empty lines before a request line are skipped, whole ones only', (t) => {
  t.is(skipEmptyLines(bytes('\r\n\r\nGET'), 0), 4)
  t.is(skipEmptyLines(bytes('\r\n\r'), 0), 2)
  t.is(skipEmptyLines(bytes('\nGET'), 0), 0)
  t.is(skipEmptyLines(bytes('GET'), 0), 0)
})
