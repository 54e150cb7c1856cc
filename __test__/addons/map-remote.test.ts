// `map_remote` with real requests, and its grammar.
import test from 'ava'
import { mapRemote } from '../../src/addons/map-remote.js'
import { inEveryWay } from '../support/addon-ways.js'

inEveryWay(
  'map_remote sends requests to another server, each rule after the other',
  { options: {} },
  async (t, { ask, origin, another, running }) => {
    const other = await another()
    running.proxy.options.set({
      map_remote: [`|~m GET|^${origin.url}/(old)/|${other.url}/new-\\1/`, '|new-old|newer', '|~bq word|/with|/without'],
    })
    t.is(`${(await ask('/old/a/../b%2fc?q=1#f')).body}`, 'answer')
    t.is(origin.got.length, 0)
    t.is(other.got[0]?.path, '/newer/a/../b%2fc?q=1', 'the path stays as it was written')
    const named = other.got[0]?.headers
    t.is(named?.host ?? named?.[':authority' as never], `${other.host}:${other.port}`)
    await ask('/stays')
    t.is(origin.got[0]?.path, '/stays')
    await ask('/with', { method: 'POST', body: 'a word' })
    await ask('/with', { method: 'POST', body: 'another' })
    t.deepEqual(
      origin.got.map(({ path }) => path),
      ['/stays', '/without', '/with'],
    )
  },
)

inEveryWay(
  'map_remote fails the flow where the new URL is none',
  { options: { map_remote: ['|^.*$|nowhere'] } },
  async (t, { ask, running, origin }) => {
    t.is((await ask('/')).status, 502)
    t.is(origin.got.length, 0)
    t.regex((await running.flow('http')).error?.message ?? '', /addon map_remote has failed/)
  },
)

test('wrong rules are refused', (t) => {
  const refused = (rule: string) => t.throws(() => mapRemote([rule]))?.message ?? ''
  t.regex(refused('/(/c'), /^map_remote, rule 1: Invalid regular expression/)
  t.regex(refused('/a/\\g<b>'), /no group b/)
  t.regex(refused('x'), /a rule is/)
})
