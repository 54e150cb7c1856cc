// The filter language: every operator, how terms are bound, quotes, mistakes, and random text.
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { MidwireError } from '../../src/errors.js'
import { FILTER_HELP, parseFilter } from '../../src/flow/filter.js'
import type { AnyFlow } from '../../src/flow/index.js'
import { dnsFlow, httpFlow, tcpFlow, udpFlow, webSocketFlow } from '../support/flows.js'
import { Random } from '../support/http1.js'

const post = httpFlow({
  method: 'POST',
  path: '/api/items?id=7&x=1',
  requestHeaders: ['Host', 'Shop.Example', 'Content-Type', 'application/json', 'X-Test', 'Value'],
  requestBody: '{"name":\n"Bücher"}',
  status: 404,
  responseHeaders: ['Content-Type', 'text/css', 'Set-Cookie', 'a=1', 'Content-Encoding', 'gzip'],
  responseBody: gzipSync('body { color: RED }\n'),
})
const waiting = httpFlow()
waiting.response = undefined
const broken = httpFlow({ responseHeaders: ['Content-Encoding', 'gzip'], responseBody: 'not gzip' })
broken.error = { message: 'the server was lost', timestamp: 1 }
broken.marked = ':star:'
broken.comment = 'look at\nthis'
Object.assign(broken.metadata, { owner: 'Ada', list: { key: 'value' }, size: 3 })
const socket = webSocketFlow()
const answered = httpFlow()
answered.server = undefined
const dns = dnsFlow('192.0.2.7')
const asked = dnsFlow('192.0.2.7')
asked.response = undefined
const v6 = tcpFlow()
v6.server = {
  id: 's',
  transport: 'tcp',
  host: 'six.test',
  port: 25,
  remote: { address: '2001:db8::1', port: 25, family: 6 },
}

const FLOWS = { post, waiting, broken, socket, answered, dns, asked, tcp: tcpFlow(), v6, udp: udpFlow() }
type Name = keyof typeof FLOWS
const NAMES = Object.keys(FLOWS) as Name[]
const HTTP: Name[] = ['post', 'waiting', 'broken', 'socket', 'answered']
const RAW: Name[] = ['tcp', 'v6', 'udp']

const matching = (text: string, options = {}) => {
  const filter = parseFilter(text, options)
  return NAMES.filter((name) => filter(FLOWS[name]))
}
const without = (...names: Name[]) => NAMES.filter((name) => !names.includes(name))

const ROWS: [text: string, names: Name[]][] = [
  // Kinds and states
  ['~all', NAMES],
  ['~http', HTTP],
  ['~tcp', ['tcp', 'v6']],
  ['~udp', ['udp']],
  ['~dns', ['dns', 'asked']],
  ['~websocket', ['socket']],
  ['~b ^OWN$', ['socket']],
  ['~bq ^back$', []],
  ['~bs ^back$', ['socket']],
  ['~q', ['waiting', 'asked']],
  ['~s', ['post', 'broken', 'socket', 'answered', 'dns']],
  ['~e', ['broken']],
  ['~marked', ['broken']],
  ['~marker STAR', ['broken']],
  ['~marker other', []],
  ['~comment ^this', ['broken']],
  ['~meta "^owner: ada$"', ['broken']],
  ['~meta \'list: {"key":"value"}\'', ['broken']],
  ['~meta "size: 3"', ['broken']],
  ['~replay', []],
  ['~replayq | ~replays', []],
  ['~a', ['post']],
  ['~c 404', ['post']],
  ['~c 40', []],
  // Bodies
  ['~b red', ['post']],
  ['~bs red', ['post']],
  ['~bq red', []],
  ['~bq name', ['post']],
  ['~bs name', []],
  ['~bq name.*b', ['post']],
  ['~bq Bücher', ['post']],
  ['~bq B.ch', []],
  ['~bq B..ch', ['post']],
  ['~b "not gzip"', ['broken']],
  ['~b ^$', []],
  ['~b SSH-2', ['tcp', 'v6']],
  ['~bq SSH-2', ['tcp', 'v6']],
  ['~bs SSH-2', []],
  [String.raw`~bs \x02\xff`, ['tcp', 'v6']],
  ['~b four', ['udp']],
  ['~b 192.0.2.7', ['dns']],
  ['~bs 192.0.2.7', ['dns']],
  ['~bq 192.0.2.7', []],
  ['~bq example.com', ['dns', 'asked']],
  // Headers
  ['~h "x-test: value"', ['post']],
  ['~hq "^x-test: value$"', ['post']],
  ['~hs x-test', []],
  ['~h "^set-cookie: a=1"', ['post']],
  ['~hq set-cookie', []],
  ['~h "value.set-cookie"', []],
  ['~t json', ['post']],
  ['~tq json', ['post']],
  ['~ts json', []],
  ['~ts ^text', ['post', 'socket', 'answered']],
  // Where and what
  ['~d shop', ['post']],
  ['~d ^93', HTTP],
  ['~d ^example.com$', ['waiting', 'broken', 'socket', 'answered']],
  ['~m post', ['post']],
  ['~m ^get$', ['waiting', 'broken', 'socket', 'answered']],
  ['~u ^https://shop.example/api', ['post']],
  ['~u id=7&x', ['post']],
  ['~u ^example.com$', ['dns', 'asked']],
  ['~src ^10.0.0.1:51234$', NAMES],
  ['~src :1$', []],
  ['~dst ^93.184.216.34:443$', without('v6')],
  ['~dst ssh.example.com:22', ['tcp']],
  ['~dst ^six.test:25', ['v6']],
  ['~dst ^2001:db8::1:25$', ['v6']],
  [String.raw`~dst ^\[2001:db8::1\]:25$`, ['v6']],
  // A word alone
  ['shop', ['post']],
  ['SHOP', ['post']],
  ['a|b.p', ['post', 'waiting', 'broken', 'socket', 'answered', 'dns', 'asked']],
  ['id=7&x=1', ['post']],
  ['~u &x', ['post']],
  ['"api items"', []],
  ["'api/items'", ['post']],
  // How terms are bound
  ['~http & ~e', ['broken']],
  ['~http ~e', ['broken']],
  ['~tcp|~udp', RAW],
  ['~tcp | ~udp', RAW],
  ['!~http', without(...HTTP)],
  ['! ~http', without(...HTTP)],
  ['!!~http', HTTP],
  ['!shop', without('post')],
  ['!~tcp & !~udp & !~http', ['dns', 'asked']],
  ['!~tcp !~udp !~http', ['dns', 'asked']],
  [
    '!~http | ~e',
    [...without(...HTTP), 'broken'].sort((a, b) => NAMES.indexOf(a as Name) - NAMES.indexOf(b as Name)) as Name[],
  ],
  ['~e | ~tcp & ~dns', ['broken']],
  ['~tcp & ~dns | ~e', ['broken']],
  ['(~e | ~tcp) & ~tcp', ['tcp', 'v6']],
  ['~e | (~tcp & ~dns)', ['broken']],
  ['!(~tcp | ~http | ~udp)', ['dns', 'asked']],
  ['!~tcp & ~s', ['post', 'broken', 'socket', 'answered', 'dns']],
  // Side by side is looser than |, as in mitmproxy.
  ['~e | ~tcp ~dns', []],
  ['~s ~e | ~dns', ['broken', 'dns']],
  ['(~s ~e) | ~dns', ['broken', 'dns', 'asked']],
  ['((((~e))))', ['broken']],
  [' \t~http\n&\n~e ', ['broken']],
  ['~c 404|~c 101', ['post', 'socket']],
  ['~m post ~c 404 shop', ['post']],
]

for (const [text, names] of ROWS) {
  test(`${JSON.stringify(text)} matches ${names.length > 5 ? names.length : names.join(', ') || 'none'}`, (t) => {
    t.deepEqual(matching(text), names)
  })
}

test('quotes hold what words cannot, and a backslash makes quotes and backslashes plain', (t) => {
  const flow = httpFlow({ requestBody: String.raw`it's (a "test") \ ~x` })
  const finds = (text: string) => parseFilter(text)(flow)
  t.true(finds(String.raw`~bq 'it\'s'`))
  t.true(finds(`~bq "it's"`))
  t.true(finds(`~bq 'a "test"'`))
  t.true(finds(String.raw`~bq "a \"test\""`))
  t.true(finds(String.raw`~bq '\) \\\\ ~x$'`))
  t.true(finds(String.raw`~bq "\(a"`))
  t.true(finds(String.raw`~bq "^\w{2}'s\s"`))
  t.true(finds(`~bq "(a|b) .test"`))
  t.true(finds(`~bq'test'`))
})

test('case matters only where it is asked for', (t) => {
  t.deepEqual(matching('~m post', { caseSensitive: true }), [])
  t.deepEqual(matching('~m POST', { caseSensitive: true }), ['post'])
  t.deepEqual(matching('shop', { caseSensitive: true }), [])
  t.deepEqual(matching('"(?i)shop"', { caseSensitive: true }), ['post'])
})

const PYTHON: [source: string, text: string, found: boolean][] = [
  [String.raw`\Aab\Z`, 'ab', true],
  [String.raw`\Ab`, 'ab', false],
  [String.raw`a\Z`, 'a\n', false],
  ['a$', 'a\n', true],
  ['a$', 'a\nb', false],
  ['a$.', 'a\nb', false],
  ['(?m)a$', 'a\nb', true],
  ['(?m)^b', 'a\nb', true],
  ['^b', 'a\nb', false],
  ['a.b', 'a\nb', true],
  ['(?P<x>a)(?P=x)', 'aa', true],
  ['(?P<x>a)(?P=x)', 'ab', false],
  ['a(?#not this)b', 'ab', true],
  ['(?i:A)b', 'ab', true],
  ['^a{,2}$', 'aa', true],
  ['^a{,2}$', 'aaa', false],
  ['[]x]', ']', true],
  ['[^]x]', ']', false],
  ['[^]x]', 'y', true],
  [String.raw`[\]$]`, '$', true],
  ['[$]', 'a', false],
  [String.raw`\$`, '$', true],
  ['[(?#]', '#', true],
]
for (const [source, text, found] of PYTHON) {
  test(`${source} ${found ? 'is' : 'is not'} in ${JSON.stringify(text)}`, (t) => {
    const quoted = `'${source}'`
    t.is(parseFilter(`~bq ${quoted}`)(httpFlow({ requestBody: text })), found)
  })
}

const MISTAKES: [text: string, column: number | undefined, message: RegExp][] = [
  ['', undefined, /empty/],
  ['  ', undefined, /empty/],
  ['~x', 1, /no operator ~x \(/],
  ['~d a & ~markd', 8, /no operator ~markd; did you mean ~marked\?/],
  ['~', 1, /name of an operator/],
  ['~d', 3, /~d takes a regular expression/],
  ['~d & ~e', 4, /~d takes a regular expression/],
  ['~d (a|b)', 4, /quotes/],
  ['~d ~e', 4, /~d takes a regular expression/],
  ['~c', 3, /whole number/],
  ['~c two', 4, /whole number/],
  ['~c 2x &', 8, /term is expected/],
  ['~h [', 4, /no regular expression.*class/i],
  ['~u "a', 4, /closing "/],
  [String.raw`~u 'a\'`, 4, /closing '/],
  ['(~e', 1, /no \)/],
  ['~e (~s', 4, /no \)/],
  ['~e)', 3, /no \(/],
  ['()', 2, /term is expected/],
  ['~e &', 5, /term is expected/],
  ['~e & & ~s', 6, /term is expected/],
  ['| ~e', 1, /term is expected/],
  ['!', 2, /term is expected/],
  [`"${'('.repeat(30_000)}${')'.repeat(30_000)}"`, 502, /no regular expression.*in each other/],
  ['~h "a++b"', 7, /possessive quantifiers are not understood/],
  ['"(?>a)"', 2, /atomic groups are not understood/],
  ['~bq "(a)?(?(1)b|c)"', 10, /conditions are not understood/],
  ['~bq "(a)?b\\1"', 11, /group 1 may have no match here/],
  ['~bq "é\\"(?i)a"', 9, /flags for the whole expression stand at its start alone/],
  ['~u é+*', 6, /repeated twice/],
  ['(?i)a', 2, /no regular expression/],
  ['('.repeat(200), 101, /more than 100/],
  ['!'.repeat(100_000), 101, /more than 100/],
]
for (const [text, column, message] of MISTAKES) {
  test(`a mistake: ${JSON.stringify(text.slice(0, 30))}`, (t) => {
    const error = t.throws(() => parseFilter(text), { instanceOf: MidwireError, code: 'ERR_FILTER', message })
    if (column === undefined) return
    const [first = '', shown = '', caret = ''] = error.message.split('\n')
    t.true(first.endsWith(`(character ${column})`), first)
    if (text.length < 50) t.deepEqual([shown, caret.length], [`  ${text}`, column + 2])
    t.regex(caret, /^ +\^$/)
  })
}

test('what is shown of a filter with a mistake is one short line of plain text', (t) => {
  const error = t.throws(() => parseFilter(`${'a '.repeat(500)}\u001b[31m\n(`), { instanceOf: MidwireError })
  const [, shown = '', caret = '', ...rest] = error.message.split('\n')
  t.deepEqual(rest, [])
  t.true(shown.length < 80 && caret.length < 80)
  t.notRegex(shown, /\p{C}/u)
})

test('long filters of many terms', (t) => {
  const many = Array.from({ length: 20_000 }, (_, index) => `~c ${index}`).join(' | ')
  t.deepEqual(matching(`(${many}) & ~m post`), ['post'])
})

test('every operator has a line of help, and each can be parsed', (t) => {
  for (const { term, help } of FILTER_HELP) {
    t.true(help.length > 0)
    if (term.startsWith('~')) t.notThrows(() => parseFilter(term.replace('regexp', 'x').replace('number', '200')))
  }
  t.is(new Set(FILTER_HELP.map(({ term }) => term)).size, FILTER_HELP.length)
  t.true(FILTER_HELP.some(({ term }) => term === '~b regexp'))
})

test('notes that have no text match nothing, and break nothing', (t) => {
  const flow = httpFlow()
  const loop: { loop?: unknown } = {}
  loop.loop = loop
  Object.assign(flow.metadata, { loop, big: 1n, nothing: null, symbol: Symbol('s'), bare: Object.create(null) })
  t.true(parseFilter('~meta "nothing: null"')(flow))
  t.false(parseFilter('~meta absent')(flow))
})

test('random text: a filter that answers, or ERR_FILTER', (t) => {
  const random = new Random(412)
  const pieces = [
    ...FILTER_HELP.map(({ term }) => term.split(' ')[0] ?? ''),
    ...[
      ' ',
      ' ',
      '(',
      ')',
      '!',
      '&',
      '|',
      '~',
      '"',
      "'",
      '\\',
      'a',
      'é',
      '404',
      '.*',
      '[a',
      ']',
      '(?i)',
      '{,3}',
      '$',
      '\n',
      '\0',
    ],
  ]
  const flows: AnyFlow[] = Object.values(FLOWS)
  let parsed = 0
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: random.below(12) }, () => random.pick(pieces) + random.pick(['', ' '])).join('')
    let filter: ReturnType<typeof parseFilter>
    try {
      filter = parseFilter(text)
    } catch (error) {
      if (!(error instanceof MidwireError) || error.code !== 'ERR_FILTER') t.fail(`${JSON.stringify(text)}: ${error}`)
      continue
    }
    parsed++
    for (const flow of flows) if (typeof filter(flow) !== 'boolean') t.fail(JSON.stringify(text))
  }
  t.true(parsed > 1_000, String(parsed))
})
