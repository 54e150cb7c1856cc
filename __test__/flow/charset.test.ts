// Which charset a text is read in, what stands for more than what, and how a text that is set stays readable.
import test from 'ava'
import { charsetOf } from '../../src/flow/charset.js'
import { HttpResponse } from '../../src/flow/http.js'

const latin = (text: string) => Buffer.from(text, 'latin1')
const CAFE = 'caf\u00e9'

function response(type: string | undefined, content: Buffer | string): HttpResponse {
  return new HttpResponse({ status: 200, headers: type === undefined ? [] : [['Content-Type', type]], content })
}

const UTF16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(CAFE, 'utf16le')])
const UTF16BE = Buffer.from(UTF16).swap16()
const MARKED = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(CAFE)])

test('a byte order mark is stronger than all declarations, and no part of the text', (t) => {
  for (const type of [undefined, 'text/plain', 'text/html; charset=iso-8859-1', 'application/json; charset=utf-8']) {
    for (const bytes of [UTF16, UTF16BE, MARKED]) {
      const one = response(type, bytes)
      t.is(one.text, CAFE, type)
      t.is(one.decodeError, undefined)
    }
  }
})

const document: [type: string, text: string, label: string][] = [
  // Content-Type, in all its spellings.
  ['text/plain; charset=iso-8859-1', '', 'iso-8859-1'],
  ['text/plain;Charset="ISO-8859-1";x=y', '', 'ISO-8859-1'],
  ["text/plain; charset = 'koi8-r'", '', 'koi8-r'],
  ['text/plain; charset=iso_8859-1:1987', '', 'iso_8859-1:1987'],
  ['text/plain; x-charset=koi8-r', '', 'utf-8'],
  ['text/plain; charset=""', '', 'utf-8'],
  ['text/html; charset=koi8-r', '<meta charset=big5>', 'koi8-r'],
  // HTML.
  ['text/html', '<html><head><meta charset="koi8-r">', 'koi8-r'],
  ['TEXT/HTML', "<META name=x\n CharSet = 'koi8-r' >", 'koi8-r'],
  ['text/html', '<meta charset=koi8-r />', 'koi8-r'],
  ['text/html', '<meta content="text/html; charset=koi8-r" http-equiv=Content-Type>', 'koi8-r'],
  ['text/html', '<meta content="text/html; charset=koi8-r">', 'utf-8'],
  ['text/html', '<meta http-equiv=refresh content="0; charset=koi8-r">', 'utf-8'],
  ['text/html', '<!-- <meta charset=big5> --><meta charset=koi8-r>', 'koi8-r'],
  ['text/html', '<!-- <meta charset=big5>', 'utf-8'],
  ['text/html', '<a title="<meta charset=big5>"><meta charset=koi8-r>', 'koi8-r'],
  ['text/html', '<metadata charset=big5><meta charset=koi8-r>', 'koi8-r'],
  ['text/html', '<meta charset=klingon><meta charset=koi8-r>', 'koi8-r'],
  ['text/html', '<meta charset=utf-16le>', 'utf-8'],
  ['text/html', '<?xml version="1.0" encoding="koi8-r"?>', 'koi8-r'],
  ['text/html', `${' '.repeat(990)}<meta charset="koi8-r">`, 'koi8-r'],
  ['text/html', `${' '.repeat(1020)}<meta charset="koi8-r">`, 'utf-8'],
  ['text/plain', '<meta charset=koi8-r>', 'utf-8'],
  // XML, CSS, JSON, events.
  ['application/rss+xml', '<?xml version="1.0" encoding=\'koi8-r\' standalone="yes"?>', 'koi8-r'],
  ['text/xml', '<?xml version="1.0"?><a encoding="koi8-r"/>', 'utf-8'],
  ['text/xml', '\n<?xml version="1.0" encoding="koi8-r"?>', 'utf-8'],
  ['application/xml', '<meta charset=koi8-r>', 'utf-8'],
  ['application/xhtml+xml', '<html><meta charset="koi8-r"/>', 'koi8-r'],
  ['text/css', '@charset "koi8-r"; a {}', 'koi8-r'],
  ['text/css', ' @charset "koi8-r";', 'utf-8'],
  ['text/css', '@charset "utf-16";', 'utf-8'],
  ['application/json; charset=koi8-r', '', 'utf-8'],
  ['application/problem+json; charset=koi8-r', '', 'utf-8'],
  ['text/event-stream; charset=koi8-r', '', 'utf-8'],
]

test('a text is in the charset of its Content-Type, else in the one that it names itself', (t) => {
  for (const [type, text, label] of document) {
    t.is(charsetOf(latin(`${text}\xc1`), type).label, label, `${type} ${text.trim()}`)
    const koi8 = response(type, latin(`${text}\xc1`)).text
    if (label === 'koi8-r') t.is(koi8, `${text}\u0430`)
  }
})

test('a charset that is unknown is passed over, and the flag says which one', (t) => {
  const both = response('text/html; charset=klingon', latin('<meta charset=iso-8859-1>\xe9'))
  t.is(both.text, '<meta charset=iso-8859-1>\u00e9')
  t.is(both.decodeError, 'the charset "klingon" is unknown: the text was read as ISO-8859-1')
  const own = response('text/html', `<meta charset=klingon>${CAFE}`)
  t.is(own.text, `<meta charset=klingon>${CAFE}`)
  t.is(own.decodeError, 'the charset "klingon" is unknown: the text was read as UTF-8')
})

test('Latin-1 is windows-1252, on every Node.js', (t) => {
  t.is(
    response('text/plain; charset=iso-8859-1', latin('\x80 \x93x\x94 \xe9\x81')).text,
    '\u20ac \u201cx\u201d \u00e9\x81',
  )
})

test('a text that is set is read as it was set, by clients, too', (t) => {
  const cases: [type: string, content: Buffer | string, after: string][] = [
    ['text/html', '<meta charset="koi8-r">', 'text/html; charset=utf-8'],
    ['text/html; x=y', '<meta charset="koi8-r">', 'text/html; x=y; charset=utf-8'],
    ['text/html', '<meta charset="utf-8">', 'text/html'],
    ['text/html', '<meta charset="klingon">', 'text/html; charset=utf-8'],
    ["text/html; charset='koi8-r'", '', 'text/html; charset=utf-8'],
    ['text/xml', '<?xml version="1.0" encoding="koi8-r"?>', 'text/xml; charset=utf-8'],
    ['text/plain', UTF16, 'text/plain; charset=utf-8'],
    ['text/plain; charset=utf-16', UTF16, 'text/plain; charset=utf-8'],
    ['text/plain', MARKED, 'text/plain; charset=utf-8'],
    ['text/plain; charset=UTF-8', MARKED, 'text/plain; charset=UTF-8'],
    ['text/plain', 'x', 'text/plain'],
    ['application/json', UTF16, 'application/json'],
  ]
  for (const [type, content, after] of cases) {
    const one = response(type, content)
    const text = `${one.text} ${CAFE}`
    one.text = text
    t.is(one.headers.get('content-type'), after, type)
    t.is(one.text, text)
    t.is(one.content.toString(), text)
    t.is(one.decodeError, undefined)
  }
  const untyped = response(undefined, UTF16)
  untyped.text = CAFE
  t.is(untyped.headers.get('content-type'), undefined)
  t.is(untyped.text, CAFE)
  const marked = response('text/plain', 'x')
  marked.text = `\ufeff${CAFE}`
  t.is(marked.headers.get('content-type'), 'text/plain')
})

test('no beginning of a document takes long', (t) => {
  for (const piece of ['<meta ', '<a "', "<a '", '<!--', '<meta charset=', '<?xml ', '= "', '<a x="y" ']) {
    t.is(charsetOf(Buffer.from(piece.repeat(100_000)), 'text/html').source === 'bom', false)
  }
})
