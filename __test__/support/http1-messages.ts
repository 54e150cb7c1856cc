// Makes requests and responses by chance, and spoils them.
import type { Random } from './http1.js'

const NAMES = [
  'Accept',
  'user-agent',
  'X-Empty',
  'x-custom',
  'Cookie',
  'Cache-Control',
  "X!#$%&'*+.^_`|~",
  'Accept',
  'ETag',
]
const VALUES = [
  '',
  'a',
  '*/*',
  'text/html; q=0.8, */*',
  'caf\xe9',
  '"quoted, \\" text"',
  'a\tb  c',
  'x'.repeat(300),
  '0',
  'a:b:c',
]

function fields(random: Random): string {
  let text = ''
  for (let count = random.below(6); count > 0; count--) {
    text += `${random.pick(NAMES)}:${random.pick(['', ' ', '  ', '\t'])}${random.pick(VALUES)}${random.pick(['', '', ' '])}\r\n`
  }
  return text
}

function data(random: Random, length: number): string {
  const kinds = ['abcdefgh', '\r\n0', '\0\xff\x80', '0\r\n\r\n']
  return random.pick(kinds).repeat(length).slice(0, length)
}

function chunked(random: Random): string {
  let text = ''
  for (let count = random.below(4); count > 0; count--) {
    const length = 1 + random.below(random.chance(3) ? 300 : 20)
    const size = random.chance(2) ? length.toString(16) : `0${length.toString(16).toUpperCase()}`
    text += `${size}${random.pick(['', '', ';a', ';a=b', ';a="b c"'])}\r\n${data(random, length)}\r\n`
  }
  return `${text}0\r\n${random.chance(3) ? 'X-Last: a\r\nx-sum: 1\r\n' : ''}\r\n`
}

function body(random: Random, version: string): string {
  if (version === '1.1' && random.chance(2)) {
    return `${random.pick(['Transfer-Encoding: chunked', 'transfer-encoding:Chunked'])}\r\n${fields(random)}\r\n${chunked(random)}`
  }
  const length = random.below(40)
  return `${random.pick(['Content-Length', 'content-length'])}: ${length}\r\n${fields(random)}\r\n${data(random, length)}`
}

/** One to three requests, one after the other. */
export function validRequests(random: Random): string {
  let text = ''
  for (let count = random.chance(3) ? 3 : 1; count > 0; count--) {
    const version = random.chance(6) ? '1.0' : '1.1'
    const method = random.pick(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'PROPFIND'])
    const target = random.pick([
      '/',
      '/a/b?c=d&e=%20',
      '/a#b',
      'http://a.example/x',
      'http://a:80?q',
      '//x',
      '/caf\xe9',
      '/{}"<>',
    ])
    const host = random.pick(['a', 'a.example:8080', '[::1]', ''])
    const connection = random.chance(8) ? `Connection: ${random.pick(['close', 'keep-alive', 'x, y'])}\r\n` : ''
    text += `${method} ${target} HTTP/${version}\r\n${fields(random)}Host: ${host}\r\n${connection}`
    text += random.chance(2) ? body(random, version) : `${fields(random)}\r\n`
  }
  return text
}

/** Maybe interim responses, and a final one. */
export function validResponse(random: Random): string {
  const version = random.chance(6) ? '1.0' : '1.1'
  const interim = version === '1.1' && random.chance(6) ? 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' : ''
  const status = random.pick([
    '200 OK',
    '404 Not Found',
    '500 ',
    '302',
    '204 No Content',
    '304 Not Modified',
    '599 caf\xe9',
    '200  a  b ',
  ])
  const start = `${interim}HTTP/${version} ${status}\r\n${fields(random)}`
  if (random.chance(4)) return `${start}\r\n${data(random, random.below(30))}`
  return start + (/^(204|304)/.test(status) ? '\r\n' : body(random, version))
}

const POISON = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0',
  '9',
  'f',
  '\xff',
  '\x0b',
  '\x7f',
  '(',
  '"',
  '/',
  '@',
]
const LINES = [
  'Content-Length: 3',
  'Content-Length: 0',
  'Content-Length: +3',
  'Content-Length: 3, 3',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding : chunked',
  'Connection: close',
  'Connection: keep-alive',
  'Host: b',
  'Expect: 100-continue',
  ' folded',
  'no colon',
]

/** The same with one or two faults. */
export function spoilt(random: Random, text: string): string {
  let changed = text
  for (let count = 1 + random.below(2); count > 0; count--) {
    // Heads have few bytes and most of the rules.
    const at = random.below(random.chance(2) ? changed.length + 1 : Math.min(changed.length, 80))
    const kind = random.below(6)
    if (kind === 0) changed = changed.slice(0, at) + changed.slice(at + 1 + random.below(3))
    else if (kind === 1) changed = changed.slice(0, at) + random.pick(POISON) + changed.slice(at + 1)
    else if (kind === 2) changed = changed.slice(0, at) + random.pick(POISON) + changed.slice(at)
    else if (kind === 3) changed = changed.slice(0, at)
    else changed = changed.replace('\r\n', `\r\n${random.pick(LINES)}\r\n`)
  }
  return changed
}
