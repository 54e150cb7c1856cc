// Thousands of messages, good and spoilt, read by our codec and by node:http: where both accept, they must have read the same.
import test, { type ExecutionContext } from 'ava'
import { requestFramings } from '../../../support/framing-corpus.js'
import { bytes, type Message, Random, readRequests, readResponses } from '../../../support/http1.js'
import { spoilt, validRequests, validResponse } from '../../../support/http1-messages.js'
import { nodeRequests, nodeResponse } from '../../../support/node-http.js'
import { responseFramings } from '../../../support/response-corpus.js'

/** What we refuse and node:http does not, by our reason. */
const STRICTER: [reason: RegExp, why: string][] = [
  [/^there are two Transfer-Encoding fields/, 'node:http takes the last coding'],
  [
    /^the transfer coding ".*" is not supported/s,
    'node:http takes `identity, chunked` and leaves the rest to its user',
  ],
  [/^there is a Transfer-Encoding in an HTTP\/1.0/, 'RFC 9112, 6.1: to be treated as faulty framing'],
  [/^a chunk extension is longer/, 'a lower limit'],
  [/^a chunk size has more than 16 digits/, 'a lower limit'],
  [/ cannot be a trailer$/, 'who merges trailers would frame or route in another way'],
  [/^a CONNECT cannot have a body/, 'what follows is the tunnel'],
  [/^there is no Host field/, 'node:http is told not to mind here'],
  [/^there are two Host fields/, 'node:http takes the first'],
  [/^the Host field is no host and port/, 'node:http does not look into it'],
  [/is not supported, only HTTP\/1.0 and HTTP\/1.1/, 'node:http takes HTTP/0.9 and HTTP/2.0, too'],
  [/^the request line has no version/, 'node:http takes HTTP/0.9'],
  [/^the target has a space/, 'node:http takes several spaces'],
  [/^the target has a bare (CR|LF)/, 'node:http takes HTTP/0.9'],
  [/^the version is neither/, 'node:http takes several spaces'],
  [/^the target is neither a path nor a URL/, 'node:http takes more'],
  [/^the URL of the target has (no host|a user name)/, 'node:http lets a user name stand before the host'],
  [/^only OPTIONS may have \*/, 'RFC 9112, 3.2.4'],
  [/^CONNECT wants host:port/, 'RFC 9112, 3.2.3'],
  [/begins with (a space|a tab): folded lines/, 'RFC 9112, 5.2: a server may refuse them'],
  [/^there are more than 2000 fields/, 'a lower limit'],
  [/^the method has a bare (CR|LF) at byte 0/, 'single CRs and LFs between messages are nothing to node:http'],
  [/^the head was cut short/, 'single CRs and LFs between messages are nothing to node:http'],
  [/^the reason phrase has/, 'node:http takes every byte but CR and LF'],
  [/^the status is not three digits/, 'node:http takes 000 to 999'],
]

/** What node:http refuses and we do not, by its reason. */
const LOOSER: [reason: RegExp, why: string][] = [
  [/Invalid char(acter)? in Content-Length/, 'a tab after the number is white space, RFC 9110, 5.6.3'],
  [/invalid `Transfer-Encoding`/, 'the same'],
  [/chunk extensions?/, 'nobody reads extensions: they end with their line, whatever they say'],
  [/Invalid char in url/, 'bytes above 0x7f are seen in targets, and change nothing'],
  [/Data after `Connection: close`/, 'an interim response ends nothing, whatever its Connection says'],
  [/Unexpected char in url schema/, 'a scheme may have digits, RFC 3986, 3.1'],
  [/Invalid HTTP version/, 'a later minor version is read as HTTP/1.1, RFC 9110, 2.5'],
  [/HPE_INVALID_METHOD/, 'a method is a token, known or not; node:http knows a list'],
]

/** What node:http refuses of a response and we make regular, for it has one meaning. */
const LOOSER_RESPONSES: [reason: RegExp, why: string][] = [
  ...LOOSER,
  [/Duplicate Content-Length/, 'the same length, said twice, is one, RFC 9112, 6.3'],
  [/Unexpected whitespace after header value/, 'a folded field, RFC 9112, 5.2'],
  [
    /Missing expected CR after (chunk data|chunk size|header value|response line)/,
    'a line that ends in LF, RFC 9112, 2.2',
  ],
  [/Invalid response status/, 'a status line that ends in LF behind the status'],
  [/Invalid character in chunk size/, 'white space behind a chunk size, RFC 9112, 7.1.1'],
  [/Invalid header (field char|token)/, 'white space before a colon, RFC 9112, 5.1'],
  [/Invalid header value char/, 'a control byte in a value becomes a space, RFC 9110, 5.5'],
  [/Content-Length can't be present|Transfer-Encoding can't be/, 'an interim response has no body, whatever it says'],
]

interface Compared {
  ours: { messages: Message[]; refusal: string | undefined }
  theirs: { messages: Message[]; refusal: string | undefined }
}

class Tally {
  readonly #mayAccept: [reason: RegExp, why: string][]
  bothAccept = 0
  bothRefuse = 0
  stricter = 0
  looser = 0

  constructor(mayAccept: [reason: RegExp, why: string][]) {
    this.#mayAccept = mayAccept
  }

  compare(t: ExecutionContext, text: string, { ours, theirs }: Compared): void {
    const shown = JSON.stringify(text)
    if (ours.refusal !== undefined && theirs.refusal !== undefined) this.bothRefuse++
    else if (ours.refusal !== undefined) {
      this.stricter++
      const { refusal } = ours
      if (!STRICTER.some(([reason]) => reason.test(refusal))) t.fail(`only we refuse (${refusal}): ${shown}`)
    } else if (theirs.refusal !== undefined) {
      this.looser++
      const { refusal } = theirs
      if (!this.#mayAccept.some(([reason]) => reason.test(refusal)))
        t.fail(`only node:http refuses (${refusal}): ${shown}`)
    } else {
      this.bothAccept++
      // t.deepEqual on each would be most of the time.
      if (JSON.stringify(ours.messages) !== JSON.stringify(theirs.messages))
        t.deepEqual(ours.messages, theirs.messages, shown)
    }
  }
}

/** node:http goes on after an HTTP/1.0 request that asks for both; we do not. */
function asksForBoth(message: Message | undefined): boolean {
  const connection = message?.fields
    .filter((_, at, all) => at % 2 === 1 && /^connection$/i.test(all[at - 1] ?? ''))
    .join()
  return message?.version === '1.0' && /close/i.test(connection ?? '') && /keep-alive/i.test(connection ?? '')
}

test('requests', async (t) => {
  const random = new Random(0xd1ff)
  const tally = new Tally(LOOSER)
  for (let round = 0; round < 12_000; round++) {
    const valid = validRequests(random)
    const text = requestFramings[round]?.text ?? (random.chance(3) ? valid : spoilt(random, valid))
    const whole = bytes(text)
    const { messages, error } = readRequests(random.cut(whole))
    const theirs = await nodeRequests(whole)
    if (asksForBoth(messages.at(-1))) theirs.messages.length = messages.length
    tally.compare(t, text, {
      ours: { messages, refusal: error?.message },
      theirs: { messages: theirs.messages, refusal: theirs.error },
    })
  }
  t.log(tally)
  t.true(tally.bothAccept > 2000 && tally.bothRefuse > 1000)
})

test('responses', async (t) => {
  const random = new Random(0xd1fe)
  const tally = new Tally(LOOSER_RESPONSES)
  // node:http hands CONNECT and 101 to listeners of their own.
  const corpus = responseFramings.filter(({ text, method }) => method !== 'CONNECT' && !text.startsWith('HTTP/1.1 101'))
  for (let round = 0; round < 12_000; round++) {
    const valid = validResponse(random)
    const { text, method } = corpus[round] ?? {
      text: random.chance(3) ? valid : spoilt(random, valid),
      method: random.pick(['GET', 'GET', 'POST', 'HEAD']),
    }
    if (/HTTP\/1.. 101/.test(text)) continue
    const whole = bytes(text)
    const { messages, error } = readResponses(random.cut(whole), method)
    const theirs = await nodeResponse(whole, method)
    const accepted = theirs.messages.length === 1
    // node:http keeps control bytes of the reason phrase, which are spaces to us.
    for (const { start } of theirs.messages) start[1] = start[1].replace(/[^\t\x20-\x7e\x80-\xff]/g, ' ')
    const final = messages.at(-1)
    const complete = Number(final?.start[0] ?? 0) >= 200
    tally.compare(t, text, {
      ours: { messages: final ? [final] : [], refusal: complete ? error?.message : (error?.message ?? 'no response') },
      theirs: { messages: theirs.messages, refusal: accepted ? undefined : (theirs.error ?? 'no response') },
    })
  }
  t.log(tally)
  t.true(tally.bothAccept > 1000 && tally.bothRefuse > 500)
})
