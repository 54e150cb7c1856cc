// `block_list` with real requests, and its grammar.
import test from 'ava'
import { blockList } from '../../src/addons/block-list.js'
import { inEveryWay } from '../support/addon-ways.js'

inEveryWay(
  'block_list answers with the status of the first rule that matches, or closes',
  { options: { block_list: ['/~u ads/204', ':~u ads:404', '/~u gone/444'] } },
  async (t, { ask, origin, running }) => {
    const answer = await ask('/ads', { method: 'POST', body: 'x' })
    t.is(answer.status, 204)
    t.is(answer.body.length, 0)
    await t.throwsAsync(ask('/gone'))
    t.is((await ask('/else')).status, 200)
    t.deepEqual(
      origin.got.map(({ path }) => path),
      ['/else'],
    )
    const flow = await running.flow('http', 1)
    t.true(flow.metadata.blocklisted)
    t.true(flow.killed)
    t.is(flow.error?.message, 'block_list has closed it without an answer')
  },
)

inEveryWay(
  'block_list waits for the body where a filter asks for that',
  { options: { block_list: '/~bq word/403' } },
  async (t, { ask, origin }) => {
    t.is((await ask('/', { method: 'POST', body: 'a word' })).status, 403)
    t.is((await ask('/', { method: 'POST', body: 'another' })).status, 200)
    t.is(origin.got.length, 1)
  },
)

test('wrong rules are refused', (t) => {
  for (const rule of ['/~all', '/~all/', '/~all/99', '/~all/100', '/~all/2000', '/~all/x', '/~all/404/x', 'x']) {
    t.regex(t.throws(() => blockList([rule]))?.message ?? '', /^block_list, rule 1: a rule is \/FILTER\/STATUS/, rule)
  }
  t.regex(t.throws(() => blockList(['/~x/404']))?.message ?? '', /no operator ~x/)
})
