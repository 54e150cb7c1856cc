// What rows say of filters: never other than the flows themselves, and without these where a row has all that is asked for.
import test from 'ava'
import { parseFilter } from '../../../src/flow/filter.js'
import { TERMS, type Term } from '../../../src/flow/filter-terms.js'
import type { FlowRecord } from '../../../src/flow/record.js'
import { revive } from '../../../src/flow/revive.js'
import { judge } from '../../../src/proxy/list/known-flow.js'
import { Rows } from '../../../src/proxy/list/rows.js'
import { chance, randomRecord } from '../../support/random-records.js'

/** Every operator, with what may be found, and two together. */
const FILTERS = [
  ...Object.entries<Term>(TERMS).flatMap(([name, { takes }]) => {
    if (takes === 'nothing') return [`~${name}`, `!~${name}`]
    return (takes === 'number' ? ['200', '404', '101'] : ['e', '^$', '"^.{3,9}$"', '"a{500}"', 'other', '"\\*$"']).map(
      (given) => `~${name} ${given}`,
    )
  }),
  '~u e & ~b e',
  '~b e & ~u e',
  '~c 404 | ~hq e',
  '!(~d e | ~m POST)',
]

const given = chance(7)

/** What is rare among records by chance: texts that rows cut, another Host, CONNECT, no path. */
function unusual(record: FlowRecord): FlowRecord {
  if (record.type !== 'http') return record
  const { request } = record
  const host = given.pick('a.example', 'h'.repeat(300), '::1')
  return {
    ...record,
    request: {
      ...request,
      host,
      port: given.pick(80, 443, 8080, 65_535),
      scheme: given.pick('http', 'https'),
      path: given.pick('*', '/', `/${'a'.repeat(given.pick(500, 510, 511, 512, 700))}e`, '/e?x=1'),
      method: given.pick('GET', 'CONNECT', 'M'.repeat(300)),
      headers: given.pick<string[]>([], ['Host', 'other.example:81'], ['Host', host]),
    },
    response: record.response && {
      ...record.response,
      status: given.pick(101, 200, 404),
      headers: given.pick<string[]>(
        [],
        ['Content-Type', ''],
        ['Content-Type', 'text/html; charset="e"', 'content-type', 'other'],
        ['Content-Type', `text/${'a'.repeat(given.pick(245, 250, 251, 600))}`],
        ['Content-Type', 'other\ne'],
      ),
    },
    server: record.server && { ...record.server, host: given.pick('a.example', 'a\nother', '::1', 'h'.repeat(300)) },
    marked: given.pick('', ':star:', 'm'.repeat(300)),
    comment: given.pick('', 'c'.repeat(256)),
  }
}

const flows = Array.from({ length: 600 }, (_, at) => {
  const record = randomRecord(given)
  return revive({ ...(at % 2 === 0 ? record : unusual(record)), id: `${at}`.padStart(36, '0') })
})

test('a row says of each filter what its flow says, or nothing', (t) => {
  const rows = new Rows()
  const numbers = flows.map((flow) => rows.set(flow))
  for (const filter of FILTERS) {
    const accepts = parseFilter(filter)
    const says = judge(rows, accepts)
    for (const [at, flow] of flows.entries()) {
      const said = says(numbers[at] as number)
      if (said !== undefined && said !== accepts(flow))
        t.fail(`${filter} of ${JSON.stringify(rows.get(numbers[at] as number))}`)
    }
  }
  t.pass()
})

test('a row of a usual request knows its URL, host, method, status, marks and errors', (t) => {
  const rows = new Rows()
  const usual = flows.find(
    (flow) => flow.type === 'http' && flow.request.path === '/e?x=1' && flow.response?.status === 404 && !flow.upgrade,
  )
  if (usual?.type !== 'http') throw new Error('there is no such flow')
  Object.assign(usual, { marked: '', comment: '', error: undefined, replayed: undefined })
  usual.request.method = 'GET'
  usual.request.host = 'a.example'
  usual.request.headers.set('host', 'a.example')
  const remote = { address: '192.0.2.7', port: 5000, family: 4 } as const
  Object.assign(usual, { client: { ...usual.client, remote } })
  usual.server = {
    ...(usual.server ?? usual.client),
    ...{ host: 'b.example', port: 81, remote: { address: '192.0.2.9', port: 82, family: 4 } },
  } as typeof usual.server
  usual.request.headers.set('content-type', 'application/json')
  usual.response?.headers.set('content-type', 'text/html; a=b')
  usual.response?.headers.append('content-type', 'other')
  const number = rows.set(usual)
  for (const filter of [
    '~u e',
    '~d a.example',
    '~m GET',
    '~c 404',
    '~s',
    '!~q',
    '!~e',
    '!~marked',
    '~http',
    '!~tcp',
    '!~websocket & ~all',
    '~src "^192.0.2.7:5000$"',
    '~dst "^b.example:81$" & ~dst "^192.0.2.9:82$"',
    '~t ^text/html',
    '~ts ^other$ & ~tq json & !~tq html & !~a',
  ])
    t.true(judge(rows, parseFilter(filter))(number), filter)
  for (const filter of ['~b e', '~h e', '~process e', '~meta e'])
    t.is(judge(rows, parseFilter(filter))(number), undefined, filter)
  usual.response = undefined
  rows.set(usual)
  t.true(judge(rows, parseFilter('~q & !~s & !~c 404'))(number))
})
