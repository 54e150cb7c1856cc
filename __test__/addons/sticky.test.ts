// `stickycookie`, `stickyauth`, `anticache` and `anticomp` with real requests.
import { inEveryWay } from '../support/addon-ways.js'

inEveryWay(
  'stickycookie adds what a server has set, where the filter matches',
  { options: { stickycookie: '~u with' } },
  async (t, { ask, origin, another, running }) => {
    origin.reply = () => ({
      headers: { 'set-cookie': ['a=1; HttpOnly', 'b=2; Path=/with/deep', 'c=3; Domain=other.org'] },
    })
    await ask('/set')
    origin.reply = () => ({})
    await ask('/with')
    await ask('/with/deep/er', { headers: { cookie: 'own=1' } })
    await ask('/without-a-match')
    await ask('/none', { headers: { cookie: 'own=1' } })
    t.deepEqual(
      origin.got.map(({ headers }) => headers.cookie),
      [undefined, 'a=1', 'a=1; b=2', 'a=1', 'own=1'],
    )
    t.true((await running.flow('http', 1)).metadata.stickycookie)
    const other = await another()
    await ask('/with', { to: other })
    t.is(other.got[0]?.headers.cookie, undefined, 'another port')
    origin.reply = () => ({ headers: { 'set-cookie': 'a=; Max-Age=0' } })
    await ask('/with')
    await ask('/with')
    t.is(origin.got.at(-1)?.headers.cookie, undefined)
  },
)

inEveryWay(
  'stickyauth adds what was sent last, where the filter matches',
  { options: { stickyauth: '~u with' } },
  async (t, { ask, origin, another }) => {
    await ask('/with')
    await ask('/', { headers: { authorization: 'Basic one' } })
    await ask('/', { headers: { authorization: 'Basic two' } })
    await ask('/with')
    await ask('/else')
    t.deepEqual(
      origin.got.map(({ headers }) => headers.authorization),
      [undefined, 'Basic one', 'Basic two', 'Basic two', undefined],
    )
    const other = await another()
    await ask('/with', { to: other })
    await ask('/with', { to: other, headers: { host: `${origin.host}:${origin.port}` } })
    t.deepEqual(
      other.got.map(({ headers }) => headers.authorization),
      [undefined, undefined],
      'also where the client calls another server by the name of the first',
    )
  },
)

inEveryWay('anticache and anticomp', { options: { anticache: true, anticomp: true } }, async (t, { ask, origin }) => {
  const headers = {
    'if-none-match': '"a"',
    'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT',
    'accept-encoding': 'br',
  }
  await ask('/', { headers })
  const got = origin.got[0]?.headers ?? {}
  t.false('if-none-match' in got || 'if-modified-since' in got)
  t.is(got['accept-encoding'], 'identity')
})
