// Framings of responses, good, odd and bad, each with what has to become of it.
import { bad, type FramingCase, good, hello, lines, TE, type Verdict } from './framing-corpus.js'

export interface ResponseCase extends FramingCase {
  /** The method of the request that it answers. */
  method: string
  /** The body ends with the connection. */
  close: boolean
}

type ResponseRow = [status: string, fields: string, body: string, verdict: Verdict, method?: string, close?: boolean]

const responses: ResponseRow[] = [
  ['200 OK', 'Content-Length: 5', 'hello', good('hello')],
  ['200 OK', 'Content-Length: 0', '', good('')],
  ['200 OK', TE, hello, good('hello')],
  ['200 OK', '', 'hello', good('hello'), 'GET', true],
  ['200 OK', 'Connection: keep-alive', 'hello', good('hello'), 'GET', true],
  ['200', 'Content-Length: 5', 'hello', good('hello')],
  ['200 ', 'Content-Length: 5', 'hello', good('hello')],
  ['200 OK', 'Content-Length: 5', '', good(''), 'HEAD'],
  ['200 OK', TE, '', good(''), 'HEAD'],
  ['204 No Content', '', '', good('')],
  ['204 No Content', 'Content-Length: 5', '', good('')],
  ['204 No Content', TE, '', good('')],
  ['304 Not Modified', 'Content-Length: 5', '', good('')],
  ['304 Not Modified', TE, '', good('')],
  ['200 OK', 'Content-Length: 5', '', good(''), 'CONNECT'],
  ['200 OK', TE, '', good(''), 'CONNECT'],
  ['407 No', 'Content-Length: 5', 'hello', good('hello'), 'CONNECT'],
  ['101 Switching Protocols', '', '', good('')],
  ['101 Switching Protocols', 'Content-Length: 0', '', good('')],
  ['999 Odd', 'Content-Length: 5', 'hello', good('hello')],
  ['204 No Content', 'Content-Length: 5|Content-Length: 6', '', bad(502)],
  ['304 Not Modified', 'Content-Length: x', '', bad(502)],
  ['200 OK', 'Content-Length: x', '', bad(502), 'HEAD'],
  ['200 OK', `Content-Length: 5|${TE}`, hello, bad(502)],
  ['200 OK', 'Content-Length: 5|Content-Length: 5', 'hello', good('hello')],
  ['200 OK', 'Content-Length: 5|X: 1|content-length: 5', 'hello', good('hello')],
  ['200 OK', 'Content-Length: 5|Content-Length: 05', 'hello', bad(502)],
  ['200 OK', 'Content-Length: 5|Content-Length: 5, 5', 'hello', bad(502)],
  ['200 OK', 'Content-Length: 5,\t5 , 5', 'hello', good('hello')],
  ['200 OK', 'Content-Length: 5, 6', 'hello', bad(502)],
  ['200 OK', 'Content-Length: 5,', 'hello', bad(502)],
  ['200 OK', 'Content-Length: +5, +5', 'hello', bad(502)],
  ['200 OK', 'Content-Length: 5|Content-Length: 6', 'hello!', bad(502)],
  ['200 OK', 'Content-Length: 5, 5', 'hello', good('hello')],
  ['200 OK', 'Content-Length: +5', 'hello', bad(502)],
  ['200 OK', 'Content-Length: -5', 'hello', bad(502)],
  ['200 OK', 'Content-Length: 99999999999999999999', 'hello', bad(502)],
  ['200 OK', 'Transfer-Encoding: gzip, chunked', hello, bad(502)],
  ['200 OK', 'Transfer-Encoding: identity', 'hello', bad(502)],
  ['200 OK', 'Transfer-Encoding: \x0bchunked', hello, bad(502)],
  ['200 OK', `${TE}|${TE}`, hello, bad(502)],
  ['200 OK', TE, '5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n', bad(502)],
  ['200 OK', TE, '5\r\nhel', bad(502)],
  ['200 OK', TE, 'zz\r\n', bad(502)],
  ['200 OK', 'Content-Length: 6', 'hello', bad(502)],
  ['200 OK', 'X: 1|\tY: 2|Content-Length: 5', 'hello', good('hello')],
  ['200 OK', '\tX: 1', '', bad(502)],
  ['200 OK', 'X: 1| |Content-Length: 5', 'hello', bad(502)],
  ['200 OK', 'Content-Length:| 5', 'hello', bad(502)],
  ['200 OK', 'Content-Length: 5| 5', 'hello', bad(502)],
  ['200 OK', 'Content-Length: 5\x0b', 'hello', bad(502)],
  ['200 OK', 'Content-Length : 5', 'hello', good('hello')],
  ['200 OK', 'Content-Length\t: 5', 'hello', good('hello')],
  ['200 OK', 'Transfer-Encoding \t: chunked', hello, good('hello')],
  ['200 OK', 'Transfer-Encoding:| chunked', hello, bad(502)],
  ['200 OK', 'Transfer-Encoding: x|\tchunked', hello, bad(502)],
  ['200 OK', 'Content Length: 5', 'hello', bad(502)],
  ['200 OK', 'Content-Length: 5|X: a\x01b', 'hello', good('hello')],
  ['200 OK', 'Content-Length: 5|X: a\x00b', 'hello', bad(502)],
  ['200 OK', 'Content-Length: 5|X: a\rb', 'hello', bad(502)],
  ['200 OK', 'X: 1\nContent-Length: 5', 'hello', good('hello')],
  ['200 OK', 'Content-Length: 5|X', 'hello', bad(502)],
  ['200 O\x01K', 'Content-Length: 5', 'hello', good('hello')],
  ['200 OK', TE, '5 \r\nhello\r\n0 \t\r\n\r\n', good('hello')],
  ['200 OK', TE, '5 ; a="b"\r\nhello\r\n0 ;x\r\n\r\n', good('hello')],
  ['200 OK', TE, `5${' '.repeat(4098)}\r\nhello\r\n0\r\n\r\n`, bad(502)],
  ['200 OK', TE, ' 5\r\nhello\r\n0\r\n\r\n', bad(502)],
  ['200 OK', TE, '5 5\r\nhello\r\n0\r\n\r\n', bad(502)],
  ['200 OK', TE, '5\nhello\n0\n\n', good('hello')],
  ['200 OK', TE, '5 \nhello\r\n0\r\nX: 1\nY: 2\n\r\n', good('hello')],
  ['200 OK', TE, '5;a\nhello\r\n0\r\n\r\n', bad(502)],
  ['200 OK', TE, '5\rhello\r\n0\r\n\r\n', bad(502)],
  ['200 OK', TE, '5\r\nhello\r0\r\n\r\n', bad(502)],
  ['200 OK', TE, '5\r\nhello\r\n0\r\nX : 1\r\n 2\r\n\r\n', good('hello')],
  ['200 OK', TE, '5\r\nhello\r\n0\r\nX: 1\rY: 2\r\n\r\n', bad(502)],
  ['200 OK', TE, '5\r\nhello\r\n0\r\nContent-Length : 5\r\n\r\n', bad(502)],
  ['200 OK', 'X\x00: 1', '', bad(502)],
  ['200 O\x00K', '', '', bad(502)],
  ['20 OK', '', '', bad(502)],
  ['2000 OK', '', '', bad(502)],
  ['099 OK', '', '', bad(502)],
  ['2\xb20 OK', '', '', bad(502)],
  [' 200 OK', '', '', bad(502)],
]

const versions: ResponseRow[] = [
  ['HTTP/1.0 200 OK', 'Content-Length: 5', 'hello', good('hello')],
  ['HTTP/1.0 200 OK', '', 'hello', good('hello'), 'GET', true],
  ['HTTP/1.0 200 OK', TE, hello, bad(502)],
  ['HTTP/1.9 200 OK', 'Content-Length: 5', 'hello', good('hello')],
  ['HTTP/2.0 200 OK', '', '', bad(502)],
  ['HTTP/1.1200 OK', '', '', bad(502)],
  ['http/1.1 200 OK', '', '', bad(502)],
  ['ICY 200 OK', '', '', bad(502)],
  ['\r\nHTTP/1.1 200 OK', '', '', bad(502)],
]

function response([start, fields, body, verdict, method = 'GET', close = false]: ResponseRow): ResponseCase {
  const head = `${start}\r\n${fields === '' ? '' : `${lines(fields)}\r\n`}\r\n`
  const name = `${method}: ${JSON.stringify(start)} ${JSON.stringify(fields)} ${JSON.stringify(body)}`
  return { name, text: head + body, verdict, method, close }
}

/** Lines that end in LF: where the head ends is seen in them, though a CRLF CRLF may follow in the body. */
const bare: ResponseCase[] = ['hello', 'a\r\n\r\n', 'b\n\nc'].flatMap((body) => {
  const text = (...ends: string[]) =>
    `HTTP/1.1 200 OK${ends[0]}Content-Length: ${body.length}${ends[1]}${ends[2]}${body}`
  return [
    ['\n', '\n', '\n'],
    ['\r\n', '\n', '\n'],
    ['\n', '\r\n', '\n'],
    ['\n', '\n', '\r\n'],
  ].map((ends) => {
    const whole = text(...ends)
    return { name: JSON.stringify(whole), text: whole, verdict: good(body), method: 'GET', close: false }
  })
})

export const responseFramings: ResponseCase[] = [
  ...responses.map((row) => response(['HTTP/1.1 '.concat(row[0]), ...(row.slice(1) as [string, string, Verdict])])),
  ...versions.map(response),
  ...bare,
]
