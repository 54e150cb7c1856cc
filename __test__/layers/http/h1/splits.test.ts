// However a stream is cut, the same messages and the same refusals come out; and whatever bytes come, only HttpErrors do.
import test from 'ava'
import { requestFramings } from '../../../support/framing-corpus.js'
import { bytes, type Outcome, Random, readRequests, readResponses } from '../../../support/http1.js'
import { responseFramings } from '../../../support/response-corpus.js'

const messages = [
  'GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\nGET /c HTTP/1.0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\n\r\r\n0\r\nX: 1\r\nY:\t2 \r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n',
]
const answers = [
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
  'HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n',
]

interface Case {
  text: string
  read: (pieces: Buffer[]) => Outcome
}

const cases: Case[] = [
  ...[...messages, ...requestFramings.map(({ text }) => text)].map((text) => ({ text, read: readRequests })),
  ...answers.map((text) => ({ text, read: (pieces: Buffer[]) => readResponses(pieces) })),
  ...responseFramings.map(({ text, method }) => ({ text, read: (pieces: Buffer[]) => readResponses(pieces, method) })),
].filter(({ text }) => text.length < 1000)

/** What may not depend on the cuts. The rest does: a refusal comes as early as it can. */
const essence = ({ messages, error }: Outcome) => JSON.stringify([messages, error])

test('cut in two at every byte', (t) => {
  for (const { text, read } of cases) {
    const whole = bytes(text)
    const expected = essence(read([whole]))
    for (let at = 1; at < whole.length; at++) {
      const found = essence(read([whole.subarray(0, at), whole.subarray(at)]))
      if (found !== expected) t.is(found, expected, `${JSON.stringify(text)} cut at ${at}`)
    }
  }
  t.true(cases.length > 120)
})

test('byte by byte', (t) => {
  for (const { text, read } of cases) {
    const whole = bytes(text)
    const pieces = Array.from(whole, (_, at) => whole.subarray(at, at + 1))
    t.is(essence(read(pieces)), essence(read([whole])), JSON.stringify(text))
  }
})

test('random and broken bytes, cut at random: the same outcome, and no other error', (t) => {
  const random = new Random(0x5eed)
  const refusals = new Set<string>()
  let accepted = 0
  for (let round = 0; round < 20_000; round++) {
    const { text, read } = random.pick(cases)
    const whole = random.chance(10) ? noise(random) : broken(random, text)
    const expected = read([whole])
    const found = read(random.cut(whole))
    if (essence(found) !== essence(expected))
      t.is(essence(found), essence(expected), JSON.stringify(whole.toString('latin1')))
    if (expected.error) refusals.add(expected.error.message)
    else accepted++
  }
  t.true(refusals.size > 500 && accepted > 500, `${refusals.size} kinds of refusals, ${accepted} accepted`)
})

function noise(random: Random): Buffer {
  const alphabet = random.chance(2) ? ' \r\n\t:;/0123456789abcdefHTP.\0\x7f\xff' : undefined
  const codes = Array.from({ length: random.below(200) }, () =>
    alphabet ? alphabet.charCodeAt(random.below(alphabet.length)) : random.below(256),
  )
  return Buffer.from(codes)
}

function broken(random: Random, text: string): Buffer {
  let changed = text
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.below(changed.length + 1)
    const length = random.chance(2) ? 0 : 1 + random.below(random.chance(5) ? 20 : 2)
    const insert = random.chance(3)
      ? ''
      : random.pick([
          '\r',
          '\n',
          '\r\n',
          '\r\n\r\n',
          '\n\n',
          '\0',
          ' ',
          '\t',
          ':',
          ',',
          ';',
          '0',
          '5',
          'f',
          'x',
          '\xff',
          '\x0b',
        ])
    changed = changed.slice(0, at) + insert + changed.slice(at + length)
  }
  return bytes(random.chance(4) ? changed.slice(0, random.below(changed.length + 1)) : changed)
}
