// Framings of requests, good and bad, each with what has to become of it.

/** The body where the message is good, else the status that it is refused with. */
export type Verdict = { body: string } | { status: number }

export interface FramingCase {
  name: string
  /** The whole message, latin1. */
  text: string
  verdict: Verdict
}

export const good = (body: string): Verdict => ({ body })
export const bad = (status = 400): Verdict => ({ status })

type Row = [fields: string, body: string, verdict: Verdict]

/** `|` stands for CRLF in fields. */
export const lines = (fields: string) => fields.split('|').join('\r\n')

function post([fields, body, verdict]: Row): FramingCase {
  const text = `POST / HTTP/1.1\r\nHost: a\r\n${fields === '' ? '' : `${lines(fields)}\r\n`}\r\n${body}`
  return { name: `POST ${JSON.stringify(fields)} ${JSON.stringify(body.slice(0, 40))}`, text, verdict }
}

function raw([text, , verdict]: Row): FramingCase {
  return { name: JSON.stringify(text.slice(0, 70)), text, verdict }
}

export const TE = 'Transfer-Encoding: chunked'
export const hello = '5\r\nhello\r\n0\r\n\r\n'

/** Content-Length. */
const lengths: Row[] = [
  ['', '', good('')],
  ['Content-Length: 0', '', good('')],
  ['Content-Length: 5', 'hello', good('hello')],
  ['content-length:5', 'hello', good('hello')],
  ['CONTENT-LENGTH: \t5 \t', 'hello', good('hello')],
  ['Content-Length: 00005', 'hello', good('hello')],
  ['Content-Length: +5', 'hello', bad()],
  ['Content-Length: -5', 'hello', bad()],
  ['Content-Length: -0', '', bad()],
  ['Content-Length: 5.0', 'hello', bad()],
  ['Content-Length: 5e0', 'hello', bad()],
  ['Content-Length: 0x5', 'hello', bad()],
  ['Content-Length: 5 5', 'hello', bad()],
  ['Content-Length: 5,5', 'hello', bad()],
  ['Content-Length: 5, 5', 'hello', bad()],
  ['Content-Length: 5, 6', 'hello', bad()],
  ['Content-Length: 5,', 'hello', bad()],
  ['Content-Length: ,5', 'hello', bad()],
  ['Content-Length: "5"', 'hello', bad()],
  ['Content-Length: 5;', 'hello', bad()],
  ['Content-Length:', '', bad()],
  ['Content-Length:  ', '', bad()],
  ['Content-Length: five', 'hello', bad()],
  ['Content-Length: 5\x00', 'hello', bad()],
  ['Content-Length: 5\x0b', 'hello', bad()],
  ['Content-Length: \x0c5', 'hello', bad()],
  ['Content-Length: 5\xa0', 'hello', bad()],
  ['Content-Length: \xb2', 'hello', bad()],
  ['Content-Length: 9007199254740992', 'hello', bad(413)],
  ['Content-Length: 18446744073709551621', 'hello', bad(413)],
  ['Content-Length: 99999999999999999999999999', 'hello', bad(413)],
  ['Content-Length: 5|Content-Length: 5', 'hello', bad()],
  ['Content-Length: 5|content-length: 6', 'hello', bad()],
  ['Content-Length: 0|X: 1|Content-Length: 5', 'hello', bad()],
  ['Content-Length: 5|Content-Length:', 'hello', bad()],
  ['Content-Length : 5', 'hello', bad()],
  ['Content-Length\t: 5', 'hello', bad()],
  [' Content-Length: 5', 'hello', bad()],
  ['X: 1| Content-Length: 5', 'hello', bad()],
  ['X: 1|\tContent-Length: 5', 'hello', bad()],
  ['Content-Length:| 5', 'hello', bad()],
  ['Content-Length: 5\rX: 1', 'hello', bad()],
  ['Content-Length: 5\nX: 1', 'hello', bad()],
  ['X: 1\nContent-Length: 5', 'hello', bad()],
  ['X: 1\rContent-Length: 5', 'hello', bad()],
  ['Content_Length: 5', '', good('')],
  ['Content-Length-: 5', '', good('')],
  ['\x00Content-Length: 5', 'hello', bad()],
  ['Content-Length\x00: 5', 'hello', bad()],
  ['\xefContent-Length: 5', 'hello', bad()],
  ['"Content-Length": 5', 'hello', bad()],
  ['(Content-Length): 5', 'hello', bad()],
  [': 5', '', bad()],
  ['Content-Length', '', bad()],
]

/** Transfer-Encoding. */
const codings: Row[] = [
  [TE, hello, good('hello')],
  ['transfer-encoding: CHUNKED', hello, good('hello')],
  ['Transfer-Encoding:chunked', hello, good('hello')],
  ['Transfer-Encoding: \tchunked\t ', hello, good('hello')],
  [`${TE}|Content-Length: 5`, hello, bad()],
  [`Content-Length: 5|${TE}`, hello, bad()],
  [`Content-Length: 0|${TE}`, hello, bad()],
  [`${TE}|${TE}`, hello, bad()],
  [`${TE}|Transfer-Encoding: identity`, hello, bad()],
  ['Transfer-Encoding: identity|Transfer-Encoding: chunked', hello, bad()],
  ['Transfer-Encoding: identity', 'hello', bad(501)],
  ['Transfer-Encoding: identity, chunked', hello, bad(501)],
  ['Transfer-Encoding: chunked, identity', hello, bad(501)],
  ['Transfer-Encoding: chunked, chunked', hello, bad(501)],
  ['Transfer-Encoding: gzip, chunked', hello, bad(501)],
  ['Transfer-Encoding: gzip', 'hello', bad(501)],
  ['Transfer-Encoding: chunked;q=1', hello, bad(501)],
  ['Transfer-Encoding: "chunked"', hello, bad(501)],
  ["Transfer-Encoding: 'chunked'", hello, bad(501)],
  ['Transfer-Encoding: xchunked', hello, bad(501)],
  ['Transfer-Encoding: chunkedx', hello, bad(501)],
  ['Transfer-Encoding: chunk', hello, bad(501)],
  ['Transfer-Encoding: chunked,', hello, bad(501)],
  ['Transfer-Encoding: ,chunked', hello, bad(501)],
  ['Transfer-Encoding:', hello, bad(501)],
  ['Transfer-Encoding: \x0bchunked', hello, bad()],
  ['Transfer-Encoding: chunked\x00', hello, bad()],
  ['Transfer-Encoding: \xa0chunked', hello, bad(501)],
  ['Transfer-Encoding: chun\xe7ed', hello, bad(501)],
  ['Transfer-Encoding : chunked', hello, bad()],
  ['Transfer-Encoding:| chunked', hello, bad()],
  ['Transfer-Encoding: x|\tchunked', hello, bad()],
  ['X: 1\nTransfer-Encoding: chunked', hello, bad()],
  ['Transfer_Encoding: chunked', '', good('')],
  ['TE: chunked', '', good('')],
]

/** Chunks. */
const chunks: Row[] = [
  [TE, '0\r\n\r\n', good('')],
  [TE, '000\r\n\r\n', good('')],
  [TE, '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n', good('hello world')],
  [TE, 'a\r\n0123456789\r\n0\r\n\r\n', good('0123456789')],
  [TE, 'A\r\n0123456789\r\n0\r\n\r\n', good('0123456789')],
  [TE, '0000000000000005\r\nhello\r\n0\r\n\r\n', good('hello')],
  [TE, '5;a=b;c="d e"\r\nhello\r\n0;last\r\n\r\n', good('hello')],
  [TE, '5;\r\nhello\r\n0\r\n\r\n', good('hello')],
  [TE, '2\r\n\r\n\r\n0\r\n\r\n', good('\r\n')],
  [TE, '5\r\nhello\r\n0\r\nX: 1\r\n\r\n', good('hello')],
  [TE, '5;a\nhello\r\n0\r\n\r\n', bad()],
  [TE, '5;a\rb\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, '5;a\x00\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, `5;${'x'.repeat(4097)}\r\nhello\r\n0\r\n\r\n`, bad()],
  [TE, '5 \r\nhello\r\n0\r\n\r\n', bad()],
  [TE, '5 ;a\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, ' 5\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, '+5\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, '-5\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, '0x5\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, '5g\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, '5\r\nhello\n0\r\n\r\n', bad()],
  [TE, '5\r\nhello\r0\r\n\r\n', bad()],
  [TE, '5\r\nhello0\r\n\r\n', bad()],
  [TE, '5\r\nhello!\r\n0\r\n\r\n', bad()],
  [TE, '5\nhello\r\n0\r\n\r\n', bad()],
  [TE, '5\rhello\r\n0\r\n\r\n', bad()],
  [TE, '\r\n5\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, ';a\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, '00000000000000005\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, 'ffffffffffffffff\r\nhello\r\n0\r\n\r\n', bad(413)],
  [TE, '10000000000000005\r\nhello\r\n0\r\n\r\n', bad()],
  [TE, '0\n\r\n', bad()],
  [TE, '0\r\n\n', bad()],
  [TE, '0\r\n\rX', bad()],
  [TE, '0\r\nContent-Length: 5\r\n\r\n', bad()],
  [TE, '0\r\nTransfer-Encoding: chunked\r\n\r\n', bad()],
  [TE, '0\r\nHost: b\r\n\r\n', bad()],
  [TE, '0\r\nX : 1\r\n\r\n', bad()],
  [TE, '0\r\nX\r\n\r\n', bad()],
  [TE, '0\r\nX: 1\r\n Y: 2\r\n\r\n', bad()],
  [TE, '0\r\nX: 1\n\r\n', bad()],
  [TE, '0\r\nX: \x00\r\n\r\n', bad()],
]

/** Whole requests: versions, methods, Host. */
const whole: Row[] = [
  ['GET / HTTP/1.0\r\n\r\n', '', good('')],
  ['\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', '', good('')],
  ['POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello', '', good('hello')],
  [`POST / HTTP/1.0\r\n${TE}\r\n\r\n${hello}`, '', bad()],
  [`POST / HTTP/1.0\r\n${TE}\r\nContent-Length: 5\r\n\r\n${hello}`, '', bad()],
  ['GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', '', good('hello')],
  ['HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', '', good('hello')],
  ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', '', bad()],
  [`CONNECT a:1 HTTP/1.1\r\nHost: a\r\n${TE}\r\n\r\n${hello}`, '', bad()],
  ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', '', good('')],
  ['GET / HTTP/1.1\r\n\r\n', '', bad()],
  ['GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', '', bad()],
  ['GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', '', bad()],
  ['GET / HTTP/1.1\r\nHost: a b\r\n\r\n', '', bad()],
  ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', '', bad()],
  ['GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', '', bad()],
  ['GET / HTTP/1.1\nHost: a\n\n', '', bad()],
  ['GET / HTTP/1.1\r\nHost: a\n\r\n', '', bad()],
  ['GET / HTTP/1.1\r\rHost: a\r\n\r\n', '', bad()],
  ['GET / HTTP/9.9\r\nHost: a\r\n\r\n', '', bad(505)],
  ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', '', bad(505)],
  ['GET / HTTP/0.9\r\nHost: a\r\n\r\n', '', bad(505)],
  ['GET / HTTP/1.2\r\nHost: a\r\n\r\n', '', good('')],
  ['GET / HTTP/1.10\r\nHost: a\r\n\r\n', '', bad()],
  ['GET / HTTP/01.1\r\nHost: a\r\n\r\n', '', bad()],
  ['GET / http/1.1\r\nHost: a\r\n\r\n', '', bad()],
  ['GET / HTTP/1.1 \r\nHost: a\r\n\r\n', '', bad()],
  ['GET  / HTTP/1.1\r\nHost: a\r\n\r\n', '', bad()],
  ['GET /  HTTP/1.1\r\nHost: a\r\n\r\n', '', bad()],
  ['GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', '', bad()],
  [' GET / HTTP/1.1\r\nHost: a\r\n\r\n', '', bad()],
  ['GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', '', bad()],
  ['GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n', '', bad()],
  ['GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n', '', bad()],
  ['GE(T / HTTP/1.1\r\nHost: a\r\n\r\n', '', bad()],
  ['GET /\r\n\r\n', '', bad()],
  ['GET / HTTP/1.1\r\n Host: a\r\n\r\n', '', bad()],
]

export const requestFramings: FramingCase[] = [...[...lengths, ...codings, ...chunks].map(post), ...whole.map(raw)]
