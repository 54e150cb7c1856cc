// Requests and responses between versions: h2 to h2, h2 to h1 and h1 to h2, field by field, and what HTTP/2 cannot carry.
import test from 'ava'
import type { HttpFlow } from '../../../src/flow/http.js'
import { HttpResponse } from '../../../src/flow/http.js'
import { Http2Play, request } from '../../support/http2-play.js'

const OK = [':status', '200']
const HEAD1 = 'HTTP/1.1 200 OK\r\n'
const base = ':scheme https :authority a.test'

/** What a server of HTTP/2 hears of a client's request, and a server of HTTP/1 of the same. */
const REQUESTS: [what: string, fields: string[], h2: string, h1: string][] = [
  [
    'the order of pseudo-headers and of fields is kept',
    [':path', '/x?y', ':authority', 'a.test', ':scheme', 'https', ':method', 'GET', 'b', '1', 'a', '2', 'b', '3'],
    ':path /x?y :authority a.test :scheme https :method GET b 1 a 2 b 3 end',
    'GET /x?y HTTP/1.1\r\nHost: a.test\r\nb: 1\r\na: 2\r\nb: 3\r\n\r\n',
  ],
  [
    'Host beside an equal :authority',
    request('GET', '/', ['host', 'A.test']),
    `:method GET ${base} :path / host A.test end`,
    'GET / HTTP/1.1\r\nHost: A.test\r\n\r\n',
  ],
  [
    'Host in place of :authority',
    [':method', 'GET', ':scheme', 'https', ':path', '/', 'x', '1', 'host', 'a.test'],
    ':method GET :scheme https :path / x 1 host a.test end',
    'GET / HTTP/1.1\r\nHost: a.test\r\nx: 1\r\n\r\n',
  ],
  [
    'cookies in pieces',
    request('GET', '/', ['cookie', 'a=1', 'x', '1', 'cookie', 'b=2; c=3']),
    `:method GET ${base} :path / cookie a=1 x 1 cookie b=2; c=3 end`,
    'GET / HTTP/1.1\r\nHost: a.test\r\ncookie: a=1; b=2; c=3\r\nx: 1\r\n\r\n',
  ],
  [
    'te, priority and never-indexed fields',
    request('GET', '/', ['te', 'trailers', 'priority', 'u=1, i', 'authorization', 'Basic eA==']),
    `:method GET ${base} :path / te trailers priority u=1, i authorization Basic eA== end`,
    'GET / HTTP/1.1\r\nHost: a.test\r\nte: trailers\r\npriority: u=1, i\r\nauthorization: Basic eA==\r\n\r\n',
  ],
  [
    'OPTIONS *',
    request('OPTIONS', '*'),
    `:method OPTIONS ${base} :path * end`,
    'OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n',
  ],
  ['HEAD', request('HEAD'), `:method HEAD ${base} :path / end`, 'HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n'],
  [
    'a POST without a body',
    request('POST'),
    `:method POST ${base} :path / end`,
    'POST / HTTP/1.1\r\nHost: a.test\r\n\r\n',
  ],
]

for (const [what, fields, h2, h1] of REQUESTS) {
  test(`a request: ${what}`, (t) => {
    t.deepEqual(new Http2Play().asked(fields).heard(), [`1 head ${h2}`])
    const play = new Http2Play({ servers: 'h1' })
    play.asked(fields)
    t.is(play.said(), h1)
  })
}

const FIELDS_OF_1 = 'Connection: X-Own, keep-alive\r\nKeep-Alive: 5\r\nX-Own: 1\r\nX-B: 2\r\n'

/** What a client of HTTP/2 hears of a response of HTTP/1. */
const RESPONSES_1: [what: string, text: string, heard: string[], method?: string][] = [
  [
    'connection fields',
    `${HEAD1}${FIELDS_OF_1}Content-Length: 2\r\n\r\nhi`,
    ['head :status 200 x-b 2 content-length 2', 'data hi', 'end'],
  ],
  [
    'chunks and trailers',
    `${HEAD1}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\n`,
    ['head :status 200', 'data hi', 'trailers x-t 1 y 2'],
  ],
  [
    'trailers that HTTP/2 cannot have',
    `${HEAD1}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nConnection: x\r\nTE: x\r\n\r\n`,
    ['head :status 200', 'data hi', 'end'],
  ],
  ['the end of the connection', `${HEAD1}\r\nhi`, ['head :status 200', 'data hi', 'end']],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', ['head :status 204 end']],
  ['304', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', ['head :status 304 etag "a" end']],
  ['the answer to HEAD', `${HEAD1}Content-Length: 9\r\n\r\n`, ['head :status 200 content-length 9 end'], 'HEAD'],
  [
    'interim responses',
    `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${HEAD1}Content-Length: 0\r\n\r\n`,
    ['head :status 103 link x', 'head :status 100', 'head :status 200 content-length 0', 'end'],
  ],
]

for (const [what, text, heard, method = 'GET'] of RESPONSES_1) {
  test(`a response of HTTP/1: ${what}`, (t) => {
    const play = new Http2Play({ servers: 'h1' })
    play.asked(request(method))
    play.says(text)
    if (what.startsWith('the end')) play.play.end(play.play.servers[0] as never)
    t.deepEqual(
      play.pass().client.heard(),
      heard.map((line) => `1 ${line}`),
    )
    t.is(play.flow().error, undefined)
  })
}

const ask1 = (play: Http2Play, text: string) => {
  play.play.data(play.play.client, text)
  play.pass()
  return play.opened()
}

const REQUESTS_1: [what: string, text: string, heard: string[]][] = [
  [
    "fields, in lower case and without the connection's",
    'GET /x HTTP/1.1\r\nHost: a.test\r\nX-B: 1\r\nConnection: X-Own\r\nX-Own: 1\r\nKeep-Alive: 1\r\nTE: trailers\r\n\r\n',
    ['head :method GET :authority a.test :scheme https :path /x x-b 1 te trailers end'],
  ],
  [
    'cookies are split',
    'GET / HTTP/1.1\r\nHost: a.test\r\nCookie: a=1; b=2\r\n\r\n',
    [`head :method GET :authority a.test :scheme https :path / cookie a=1 cookie b=2 end`],
  ],
  [
    'an upgrade is left out',
    'GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: foo\r\nConnection: Upgrade\r\n\r\n',
    [`head :method GET :authority a.test :scheme https :path / end`],
  ],
  [
    'chunks and trailers',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n',
    ['head :method POST :authority a.test :scheme https :path /', 'data hi', 'trailers x-t 1'],
  ],
  [
    'a length',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi',
    ['head :method POST :authority a.test :scheme https :path / content-length 2', 'data hi', 'end'],
  ],
  [
    'another name',
    'GET / HTTP/1.1\r\nHost: b.test:8\r\n\r\n',
    ['head :method GET :authority b.test:8 :scheme https :path / end'],
  ],
]

for (const [what, text, heard] of REQUESTS_1) {
  test(`a request of HTTP/1 to a server of HTTP/2: ${what}`, (t) => {
    const play = new Http2Play({}, 'h1')
    t.deepEqual(
      ask1(play, text).heard(),
      heard.map((line) => `1 ${line}`),
    )
  })
}

test('a response of HTTP/2 to a client of HTTP/1', (t) => {
  const ask = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'
  const play = new Http2Play({}, 'h1')
  const server = ask1(play, ask)
  server.answer(1, [...OK, 'x-a', '1', 'content-length', '2'], 'hi')
  t.is(play.pass().text, 'HTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nhi')
  play.text = ''
  play.play.data(play.play.client, ask)
  play.pass()
  server.session.sendHead(server.stream(3), [':status', '103', 'link', 'x'], false)
  server.answer(3, OK, 'hi', ['x-t', '1'])
  t.is(
    play.pass().text,
    'HTTP/1.1 103 \r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n',
  )
  play.text = ''
  play.play.data(play.play.client, ask.replace('GET', 'HEAD'))
  play.pass()
  server.answer(5, [...OK, 'content-length', '7'])
  t.is(play.pass().text, 'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n')
  play.text = ''
  play.play.data(play.play.client, ask)
  play.pass()
  server.answer(7, [':status', '204'])
  t.is(play.pass().text, 'HTTP/1.1 204 No Content\r\n\r\n')
})

test('Host and :authority that differ, and a request without either, are refused and go nowhere', (t) => {
  const play = new Http2Play()
  play.client.ask(request('GET', '/', ['host', 'b.test']))
  play.client.ask([':method', 'GET', ':scheme', 'https', ':path', '/'])
  play.client.ask([':method', 'GET', ':scheme', 'ftp', ':authority', 'a.test', ':path', '/'])
  play.pass()
  const heard = play.client.heard()
  for (const id of [1, 3, 5])
    t.true(
      heard.some((line) => line.startsWith(`${id} head :status 400`)),
      heard.join('\n'),
    )
  t.deepEqual(play.done(), [])
})

test('a content-length that disagrees with what comes is an error of that stream, on both sides', (t) => {
  const play = new Http2Play()
  const server = play.asked(request())
  play.client.ask(request('POST', '/', ['content-length', '5']), false)
  play.pass()
  play.client.send(3, 'abc', true)
  play.pass()
  t.deepEqual(server.heard().slice(1), [
    `3 head :method POST ${base} :path / content-length 5`,
    '3 data abc',
    '3 reset CANCEL',
  ])
  t.deepEqual(play.client.heard(), ['3 reset PROTOCOL_ERROR'])
  t.is(play.flow().error?.message, 'content-length is 5, but 3 bytes came')

  server.answer(1, [...OK, 'content-length', '5'], 'abc')
  play.pass()
  t.deepEqual(play.client.heard(), ['1 head :status 200 content-length 5', '1 data abc', '1 reset INTERNAL_ERROR'])
  t.regex(play.flow(1).error?.message ?? '', /content-length is 5, but 3 bytes came/)
  t.deepEqual(play.done().slice(1), [])
})

test('a length of a request for a server of HTTP/1 is checked as well', (t) => {
  const play = new Http2Play({ servers: 'h1' })
  play.asked(request('POST', '/', ['content-length', '5']), false)
  play.client.send(1, 'abcdefg', true)
  play.pass()
  t.is(play.said(), 'POST / HTTP/1.1\r\nHost: a.test\r\ncontent-length: 5\r\n\r\n')
  t.deepEqual(play.client.heard(), ['1 reset PROTOCOL_ERROR'])
})

test('fields that HTTP/2 cannot have, set by an addon, are a 502 of that flow alone', (t) => {
  const bad: ((flow: HttpFlow) => unknown)[] = [
    ({ request }) => request.headers.raw.push('x', 'a\r\nb: c'),
    ({ request }) => request.headers.raw.push('x', 'a\0'),
    ({ request }) => request.headers.raw.push('bad name', 'a'),
  ]
  for (const work of bad) {
    const play = new Http2Play({ hooks: { request: (flow) => void (flow.request.path === '/bad' && work(flow)) } })
    const server = play.asked(request('GET', '/bad'))
    play.client.ask(request())
    play.pass()
    t.is(server.heard().length, 1)
    t.regex(play.client.heard()[0] ?? '', /^1 head :status 502/)
  }
  const worse: ((response: HttpResponse) => unknown)[] = [
    ({ headers }) => headers.raw.push('x', 'a\r\nb: c'),
    ({ headers }) => headers.raw.push('x', 'a\u0100'),
    (response) => {
      response.trailers = response.headers.clone()
      response.trailers.raw.push('x', 'a\n')
    },
  ]
  for (const name of ['response', 'responseheaders'] as const) {
    for (const work of name === 'response' ? worse : worse.slice(0, 2)) {
      const play = new Http2Play({
        hooks: {
          [name]: (flow: HttpFlow) => void (flow.request.path === '/bad' && work(flow.response as HttpResponse)),
        },
      })
      const server = play.asked(request('GET', '/bad'))
      play.client.ask(request())
      play.pass()
      server.answer(1, OK, 'hi').answer(3, OK, 'ho')
      play.pass()
      const heard = play.client.heard()
      t.true(
        heard.some((line) => line.startsWith('1 head :status 502')),
        heard.join('\n'),
      )
      t.true(heard.includes('3 data ho'))
      t.truthy(play.flow(play.flow(0).request.path === '/bad' ? 0 : 1).error)
    }
  }
})

test('bodies that are held and changed have the right length', (t) => {
  const play = new Http2Play({
    hooks: {
      request: ({ request }) => {
        if (request.method === 'POST') request.content = Buffer.from('longer than before')
      },
      response: ({ response }) => {
        if (response) response.text = 'changed'
      },
    },
  })
  play.client.ask(request('POST', '/', ['content-length', '2']), false)
  play.client.send(1, 'hi', true)
  play.pass()
  const server = play.opened()
  t.deepEqual(server.heard(), [
    `1 head :method POST ${base} :path / content-length 18`,
    '1 data longer than before',
    '1 end',
  ])
  server.answer(1, OK, 'hi')
  play.client.ask(request('HEAD'))
  play.pass()
  server.answer(3, [...OK, 'content-length', '9'])
  play.pass()
  t.deepEqual(play.client.heard().slice(0, 3), ['1 head :status 200 content-length 7', '1 data changed', '1 end'])
})

test('an addon answers, and the rest of the request is not wanted', (t) => {
  const play = new Http2Play({
    hooks: {
      requestheaders(flow) {
        flow.response = new HttpResponse({ status: 201, content: 'made' })
      },
    },
  })
  play.client.ask(request('POST'), false)
  play.pass()
  t.deepEqual(play.done(), [])
  const heard = play.client.heard()
  t.regex(heard[0] ?? '', /^1 head :status 201/)
  t.deepEqual(heard.slice(1), ['1 data made', '1 end', '1 reset NO_ERROR'])
})
