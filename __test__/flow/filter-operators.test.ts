// The operators of filters beside mitmproxy's, and expressions that would never end.
import test from 'ava'
import { FILTER_HELP, parseFilter } from '../../src/flow/filter.js'
import { httpFlow } from '../support/flows.js'

test("mitmproxy's operators are all there, each with what mitmproxy gives it", (t) => {
  const alone = 'a all dns e http marked q replay replayq replays s tcp udp websocket'.split(' ')
  const searching = 'b bq bs comment d dst h hq hs m marker meta src t tq ts u'.split(' ')
  for (const name of alone) t.notThrows(() => parseFilter(`~${name} & ~${name} ~all`), name)
  for (const name of searching) {
    t.notThrows(() => parseFilter(`~${name} "a|b"`), name)
    t.throws(() => parseFilter(`~${name}`), { code: 'ERR_FILTER' }, name)
  }
  t.notThrows(() => parseFilter('~c 200'))
  t.is(
    FILTER_HELP.filter(({ term }) => term.startsWith('~')).length,
    alone.length + searching.length + 1 + 2,
    'and two of our own',
  )
})

test('no expression hangs: what goes back without end is searched in another way, or refused with its place', (t) => {
  const long = httpFlow({ responseBody: 'a'.repeat(300_000), responseHeaders: ['Content-Type', 'text/plain'] })
  for (const text of ['~b (a+)+$', '~b (a|a)*!', '~b (.*)*x', '~b a.*a.*a.*x', '~bs "^(([a-z])+.)+[A-Z]([a-z])+$"']) {
    t.is(typeof parseFilter(text.replace(/ ([^"].*)$/, ' "$1"'))(long), 'boolean', text)
  }
  const error = t.throws(() => parseFilter('~http & ~b "(a+)+\\1"'), { code: 'ERR_FILTER' })
  t.regex(error.message, /may take for ever, and it has lookaround.*\(character 12\)\n.*\n {13}\^$/)
})
