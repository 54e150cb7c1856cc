// What proxies on the way cost: the answers that are waited for before the server gets the first byte of the request.
import test from 'ava'
import { parseVia } from '../../src/flow/via.js'
import { GET } from '../support/http1-play.js'
import { Playbook } from '../support/playbook.js'

const destination = { host: 'example.org', port: 80, transport: 'tcp' } as const

/** What each thing that is said to a proxy is answered with. */
const ANSWERS: readonly [question: string, answer: string][] = [
  ['CONNECT ', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['\x05\x01\x00\x03', '\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00'],
  ['\x05\x01\x00', '\x05\x00'],
  ['\x04\x01', '\x00\x5a\x00\x00\x00\x00\x00\x00'],
]

/** The round trips beyond those of a direct connection: opening the first proxy's connection takes the place of opening the server's. */
function roundTrips(via: string): number {
  const play = new Playbook('http1', { destination, entrance: { via: parseVia(via) } })
  play.data(play.client, GET)
  play.said()
  const server = play.opened()
  for (let count = 0; ; count += 1) {
    const said = play.said().map((line) => JSON.parse(line.replace(/^send server /, '')) as string)
    const [text = ''] = said
    if (said.length !== 1) throw new Error(`${said.length} messages at once`)
    if (text.startsWith('GET ')) return count
    const [, answer] = ANSWERS.find(([question]) => text.startsWith(question)) ?? []
    if (answer === undefined) throw new Error(`no proxy knows ${JSON.stringify(text)}`)
    play.data(server, answer)
  }
}

test('each proxy costs what its protocol asks for, and nothing more', (t) => {
  t.is(roundTrips('direct'), 0)
  // Plain HTTP is given to an HTTP proxy as it is.
  t.is(roundTrips('http://a'), 0)
  t.is(roundTrips('http://a,http://b'), 1)
  t.is(roundTrips('socks4a://a'), 1)
  t.is(roundTrips('socks4a://a,socks4a://b'), 2)
  t.is(roundTrips('http://a,socks4a://b'), 2)
  // RFC 1928 has a round trip for the method. There are proxies that lose what comes with their greeting, so nothing is sent ahead.
  t.is(roundTrips('socks5://a'), 2)
  t.is(roundTrips('socks5://a,http://b'), 2)
  t.is(roundTrips('http://a,socks5://b'), 3)
})
