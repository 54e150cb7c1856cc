// Messages that are odd in form: what has one meaning passes, made regular and noted; what has two is refused, and nothing of it goes on.
import test, { type ExecutionContext } from 'ava'
import { asked, flowOf, GET, hooks, open, sent } from '../../../support/http1-play.js'

const relaxed = { options: { validate_inbound_headers: false } }

/** What a response becomes, and what is noted of it. */
function becomes(t: ExecutionContext, response: string, regular: string, irregularities: string[], settings = {}) {
  for (const some of [{}, hooks]) {
    const { play, server } = asked({ hooks: some, ...settings })
    play.data(server, response)
    t.deepEqual(play.said(), [`send client ${sent(regular)}`])
    t.deepEqual(flowOf(play).response?.irregularities, irregularities)
    t.is(flowOf(play).response?.content.toString(), 'hello')
    // The connection is good for another: it is known where the response ended.
    play.data(play.client, GET)
    t.deepEqual(play.said(), [`send server ${sent(GET)}`])
  }
}

/** A response that is a 502 without a byte of it having gone on. */
function refused(t: ExecutionContext, response: string, reason: RegExp, settings = {}) {
  const { play, server } = asked({ hooks, ...settings })
  play.data(server, response)
  const said = play.said()
  t.is(said[0], 'close server', response)
  t.regex(said[1] ?? '', /^send client "HTTP\/1\.1 502 /, response)
  t.regex(flowOf(play).error?.message ?? '', reason, response)
}

const ok = (fields: string) => `HTTP/1.1 200 OK\r\n${fields.split('|').join('\r\n')}\r\nContent-Length: 5\r\n\r\nhello`

test('a regular response has nothing noted', (t) => {
  becomes(t, ok('X: 1'), ok('X: 1'), [])
})

test('white space before a colon is taken out', (t) => {
  becomes(t, ok('X-Name \t: x'), ok('X-Name: x'), ['white space stands before the colon of X-Name'])
  const regular = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
  becomes(t, regular.replace('ing:', 'ing :'), regular, ['white space stands before the colon of Transfer-Encoding'])
})

test('folded fields are joined by a space', (t) => {
  becomes(t, ok('X: a|  b |\tc|Y: 1|Z: 2| 3'), ok('X: a b c|Y: 1|Z: 2 3'), ['the value of X is folded over lines'])
  becomes(t, ok('X:| a'), ok('X: a'), ['the value of X is folded over lines'])
  refused(t, ok(' X: a'), /field line 1 begins with a space/)
  refused(t, ok('X: a| |Y: b'), /field line 2 begins with a space/)
  refused(t, ok('X: a|no field| b'), /has a space in its name, after "no"/)
})

test('control bytes in values and in the reason become spaces', (t) => {
  becomes(t, ok('X: a\x01\x02b|Y: \x7f'), ok('X: a  b|Y: '), ['the value of X has 0x01, which was made a space'])
  becomes(t, ok('X: a| b\x0bc'), ok('X: a b c'), [
    'the value of X is folded over lines',
    'the value of X has 0x0b, which was made a space',
  ])
  becomes(t, ok('X: 1').replace('OK', 'O\x1bK'), ok('X: 1').replace('OK', 'O K'), [
    'the reason phrase has 0x1b, which was made a space',
  ])
  refused(t, ok('X: a\0b'), /the value of X has NUL/)
  refused(t, ok('X: a\rb'), /the value of X has a bare CR/)
  refused(t, ok('X\x01: b'), /field line 1 has 0x01 in its name/)
})

test('lines that end in LF end', (t) => {
  const note = ['its lines end in LF without CR']
  becomes(t, ok('X: 1').replaceAll('\r\n', '\n'), ok('X: 1'), note)
  becomes(t, ok('X: 1').replace('\r\n', '\n'), ok('X: 1'), note)
  const body = 'HTTP/1.1 200 OK\nContent-Length: 9\n\na\r\n\r\nb\r\n\r'
  const { play, server } = asked()
  play.data(server, `${body}\n`)
  const said = play.said()
  t.is(said.pop(), 'close server', 'the byte behind it is no answer to anybody')
  const sent = said.map((line) => JSON.parse(line.replace('send client ', '')))
  t.is(sent.join(''), 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na\r\n\r\nb\r\n\r')
})

test('the end of such a head is not sought far behind its body', (t) => {
  const long = 'x'.repeat(300_000)
  const { play, server } = asked()
  play.data(server, `HTTP/1.1 200 OK\nContent-Length: ${long.length + 4}\n\n${long}\r\n\r\n`)
  t.regex(play.said().join('').slice(0, 70), /^send client "HTTP\/1\.1 200 OK\\r\\nContent-Length: 300004\\r\\n\\r\\nx/)
  t.is(flowOf(play).response?.body.length, long.length + 4)
})

test('the same length said twice is one', (t) => {
  const note = ['its Content-Length is there more than once']
  becomes(
    t,
    ok('Content-Length: 5').replace('\r\n\r\n', '\r\nX: 1\r\n\r\n'),
    ok('X: 1').replace('X: 1\r\nContent-Length: 5', 'Content-Length: 5\r\nX: 1'),
    note,
  )
  becomes(t, ok('X: 1').replace(': 5', ': 5, 5 ,5'), ok('X: 1'), note)
  refused(t, ok('Content-Length: 6'), /two Content-Length fields, which differ/)
  refused(t, ok('X: 1').replace(': 5', ': 5, 6'), /the Content-Length is no number: "5, 6"/)
  refused(t, ok('Transfer-Encoding: chunked'), /both Content-Length and Transfer-Encoding/)
})

test('white space and LF around chunks are taken out, and odd trailers are made regular', (t) => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  const regular = `${head}5\r\nhello\r\n0\r\n\r\n`
  becomes(t, `${head}5  \r\nhello\r\n0 ; a="b"\r\n\r\n`, regular, ['white space follows the size of a chunk'])
  becomes(t, `${head}5\nhello\n0\n\r\n`, regular, ['lines around its chunks end in LF without CR'])
  becomes(t, `${head}5\r\nhello\r\n0\r\nX : 1\n\t2\r\n\r\n`, `${head}5\r\nhello\r\n0\r\nX: 1 2\r\n\r\n`, [
    'of its trailers, its lines end in LF without CR',
    'of its trailers, white space stands before the colon of X',
    'of its trailers, the value of X is folded over lines',
  ])
  refused(t, `${head}zz`, /a chunk size begins with "z"/)
  refused(t, `${head}5 x\r\nhello`, /a chunk size has "x" after its white space/)
  refused(t, `${head}2\r\nhello`, /a chunk is longer than its size/)
  refused(t, `${head}0\r\nContent-Length: 5\r\n\r\n`, /cannot be a trailer/)
})

test('2,000 fields and 256 KiB of a response pass, and no more', (t) => {
  const many = (count: number) => ok(Array.from({ length: count - 1 }, (_, at) => `X-${at}: 1`).join('|'))
  becomes(t, many(2_000), many(2_000), [])
  refused(t, many(2_001), /more than 2000 fields/)
  const long = ok(`X: ${'x'.repeat(200_000)}`)
  becomes(t, long, long, [])
  refused(t, ok(`X: ${'x'.repeat(262_144)}`), /the head is longer than 262144 bytes/)
  // An odd head is held to the same.
  refused(t, many(2_001).replace('X-0:', 'X-0 :'), /more than 2000 fields/)
})

test('what is noted is bounded, however odd a response is', (t) => {
  const { play, server } = asked()
  play.data(server, ok(Array.from({ length: 1_000 }, (_, at) => `X${'-'.repeat(100)}${at} : \x01| a`).join('|')))
  const noted = flowOf(play).response?.irregularities ?? []
  t.is(noted.length, 3)
  t.true(noted.every((one) => one.length < 120))
})

test('requests stay strict, and a body that is wrong from its first bytes never reaches a server', (t) => {
  for (const bad of [
    'GET / HTTP/1.1\r\nHost: x\r\nX : 1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nX: 1\r\n 2\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n',
    'GET / HTTP/1.1\nHost: x\n\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n',
  ]) {
    for (const some of [{}, hooks]) {
      const play = open({ hooks: some })
      play.data(play.client, bad)
      const said = play.said()
      t.regex(said[0] ?? '', /^send client "HTTP\/1\.1 400 /, bad)
      t.is(said[1], 'close client')
      t.is(play.servers.length, 0)
    }
  }
})

test('validate_inbound_headers=false reads requests as responses are read', (t) => {
  const { play, said } = asked(
    relaxed,
    'POST / HTTP/1.1\nHost: x\nX : a\x01\n b\nContent-Length: 5\nContent-Length: 5\n\nhello',
  )
  t.deepEqual(
    said.map((line) => JSON.parse(line.slice(12))).join(''),
    'POST / HTTP/1.1\r\nHost: x\r\nX: a  b\r\nContent-Length: 5\r\n\r\nhello',
  )
  play.data(play.servers[0] as never, ok('X: 1'))
  t.deepEqual(flowOf(play).request.irregularities, [
    'its lines end in LF without CR',
    'white space stands before the colon of X',
    'the value of X has 0x01, which was made a space',
    'the value of X is folded over lines',
    'its Content-Length is there more than once',
  ])
  const chunked = asked(
    relaxed,
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n',
  )
  t.regex(chunked.said.join(''), /5\\r\\nhello\\r\\n0\\r\\n\\r\\n"$/)
})

test('it reads what is behind the head of a request once', (t) => {
  const { play, server, said } = asked(relaxed, `GET /a HTTP/1.1\nHost: example.org\n\n${GET.replace('/a', '/b')}`)
  t.deepEqual(said, [`send server ${sent(GET)}`])
  play.data(server, ok('X: 1'))
  t.is(play.said()[1], `send server ${sent(GET.replace('/a', '/b'))}`)
})

test('it makes spaces of NUL and bare CR, and drops lines that are no fields', (t) => {
  becomes(t, ok('X: a\0b\rc'), ok('X: a b c'), ['the value of X has NUL, which was made a space'], relaxed)
  const dropped = (line: string) => [`a line that is no field was dropped: ${JSON.stringify(line)}`]
  becomes(t, ok('no field|X: 1'), ok('X: 1'), dropped('no field'), relaxed)
  becomes(t, ok('X Y: 1|X: 1'), ok('X: 1'), dropped('X Y: 1'), relaxed)
  becomes(t, ok(' folded|X: 1'), ok('X: 1'), dropped(' folded'), relaxed)
  becomes(
    t,
    ok('X: 1').replace(' 200 OK', '\t 200\tOK'),
    ok('X: 1'),
    ['its status line has other white space than one space'],
    relaxed,
  )
})

test('it leaves refused what has two meanings', (t) => {
  for (const fields of [
    'Transfer-Encoding: chunked',
    'Content-Length: 6',
    'Transfer-Encoding\0: chunked',
    '\x0bTransfer-Encoding: chunked',
    ' Transfer-Encoding: chunked',
    'X: 1| |Y: 2',
    'Transfer-Encoding: \0chunked',
    'Transfer-Encoding:| chunked',
    'Content Length: 6'.replace('Content ', '(Content-'),
  ]) {
    refused(t, ok(fields), /./, relaxed)
  }
  for (const fields of [
    'Transfer-Encoding : chunked',
    'Host : y',
    'Content-Length : 5',
    'X: 1\0\r\nTransfer-Encoding:\r\n chunked',
  ]) {
    const play = open(relaxed)
    play.data(play.client, `GET / HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\nhello`)
    t.regex(play.said()[0] ?? '', /^send client "HTTP\/1\.1 (400|501) /, fields)
    t.is(play.servers.length, 0)
  }
})
