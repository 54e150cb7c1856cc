// Alt-Svc without HTTP/3: what is taken, and what stays as it was.
import test from 'ava'
import { HttpHeaders } from '../../../src/flow/headers.js'
import { withoutHttp3 } from '../../../src/layers/http/alt-svc.js'
import { asked, sent } from '../../support/http1-play.js'

function left(...values: string[]): string[] {
  const headers = new HttpHeaders(values.flatMap((value) => ['alt-svc', value]))
  withoutHttp3(headers)
  return headers.getAll('alt-svc')
}

test('alternatives of HTTP/3 go, others stay, and so does the field as long as one is left', (t) => {
  for (const [before, after] of [
    ['h3=":443"; ma=86400', []],
    ['h3=":443"; ma=86400, h3-29=":443"; ma=86400', []],
    ['h3=":443"; ma=2592000,h3-29=":443"; ma=2592000,h2="alt.example:443"; ma=60', ['h2="alt.example:443"; ma=60']],
    ['h2=":443", h3=":443"', ['h2=":443"']],
    ['quic=":443"; v="46,43"', []],
    ['%683=":443"', []],
    ['h3', []],
    ['h2="a,h3=b:443"; x="\\",h3="', ['h2="a,h3=b:443"; x="\\",h3="']],
    ['h3x=":443"', ['h3x=":443"']],
    ['clear', ['clear']],
    ['', ['']],
    [' , h2=":1" ,', [' , h2=":1" ,']],
    ['h3="', []],
  ] as const) {
    t.deepEqual(left(before), [...after], before)
  }
  t.deepEqual(left('h3=":443"', 'h2=":8443"', 'clear'), ['h2=":8443"', 'clear'])
})

test('a client is not told of HTTP/3, unless it may pass', (t) => {
  const response = (field: string) => `HTTP/1.1 200 OK\r\nA: b\r\n${field}Content-Length: 0\r\n\r\n`
  const whole = response('alt-svc: h3=":443"\r\n')
  for (const [options, told] of [
    [{}, response('')],
    [{ http3: 'pass' }, whole],
  ] as const) {
    const { play, server } = asked({ options })
    play.data(server, whole)
    t.deepEqual(play.said(), [`send client ${sent(told)}`])
  }
  const target = { tls: false, protocol: 'http1' } as const
  const kept = asked({ entrance: { target }, options: { keep_alt_svc_header: true } })
  kept.play.data(kept.server, whole)
  t.deepEqual(kept.play.said(), [`send client ${sent(whole)}`])
})
