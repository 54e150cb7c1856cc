// `map_local` with real requests: files, directories, what lies outside, ranges; and its grammar.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { mapLocal } from '../../src/addons/map-local.js'
import { inEveryWay } from '../support/addon-ways.js'
import { surroundings } from '../support/surroundings.js'

/** A directory `site` with files and links in it, and a file beside it that nobody may get. */
function site(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'midwire-rules-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, 'site', 'sub'), { recursive: true })
  const put = (name: string, text: string) => writeFileSync(join(directory, 'site', name), text)
  put('index.html', 'home')
  put('app.js', '0123456789')
  put('sub/index.html', 'below')
  put('a_b', 'plain')
  put('two words', 'spaced')
  writeFileSync(join(directory, 'secret'), 'secret')
  symlinkSync(join(directory, 'secret'), join(directory, 'site', 'out'))
  symlinkSync(directory, join(directory, 'site', 'up'))
  symlinkSync('app.js', join(directory, 'site', 'inner'))
  return join(directory, 'site')
}

inEveryWay('map_local answers with files', { options: {} }, async (t, { ask, running, origin }) => {
  const path = site(t)
  running.proxy.options.set({
    map_local: [`|/one$|${join(path, 'app.js')}`, `|/site|${path}`, `|/group/(.*)/x|${path}`, `|/site/rest|${path}`],
  })
  const get = async (asked: string) => `${(await ask(asked)).body}`
  const script = await ask('/one')
  t.is(script.status, 200)
  t.is(`${script.body}`, '0123456789')
  t.is(script.headers['content-type'], 'text/javascript')
  t.is(script.headers['content-length'], '10')
  t.is(script.headers.server, 'midwire')
  t.is(await get('/site'), 'home')
  t.is(await get('/site/'), 'home')
  t.is(await get('/site/app.js?v=1'), '0123456789')
  t.is(await get('/site/sub'), 'below')
  t.is(await get('/site/sub/'), 'below')
  t.is(await get('/site/a:b'), 'plain')
  t.is(await get('/site/two%20words'), 'spaced')
  t.is(await get('/site/inner'), '0123456789')
  t.is(await get('/group/app.js/x'), '0123456789')
  t.is(await get('/site/rest/app.js'), '0123456789', 'a rule without a file leaves it to the next one')
  t.is((await ask('/site/missing')).status, 404)
  t.is(await get('/else'), 'answer')
  t.deepEqual(
    origin.got.map((got) => got.path),
    ['/else'],
  )
})

inEveryWay('map_local leads nowhere else', { options: {} }, async (t, { ask, running, origin }) => {
  const path = site(t)
  running.proxy.options.set({ map_local: `|/site|${path}` })
  const ways = [
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/sub/../../secret',
    '/%2e%2e%5csecret',
    '/up/secret',
    '/out',
  ]
  const absolute = `/${join(path, '..', 'secret')}`
  for (const way of [...ways, absolute, `/%2f${absolute}`, '/secret%00', '/%ff', '/up/site/app.js/../../secret']) {
    const answer = await ask(`/site${way}`)
    t.is(answer.status, 404, way)
    t.is(answer.body.length, 0)
  }
  await running.logged(/is a link out of .*, which is not followed/)
  t.is(origin.got.length, 0)
})

inEveryWay('map_local: HEAD and ranges', { options: {} }, async (t, { ask, running }) => {
  running.proxy.options.set({ map_local: `|/site|${site(t)}` })
  const head = await ask('/site/app.js', { method: 'HEAD' })
  t.is(head.headers['content-length'], '10')
  t.is(head.headers['content-type'], 'text/javascript')
  t.is(head.body.length, 0)
  const part = async (range: string, more = {}) => {
    const { status, body, headers } = await ask('/site/app.js', { headers: { range, ...more } })
    return [status, `${body}`, headers['content-range']]
  }
  t.deepEqual(await part('bytes=2-4'), [206, '234', 'bytes 2-4/10'])
  t.deepEqual(await part('bytes=7-'), [206, '789', 'bytes 7-9/10'])
  t.deepEqual(await part('bytes=-2'), [206, '89', 'bytes 8-9/10'])
  t.deepEqual(await part('bytes=0-99'), [206, '0123456789', 'bytes 0-9/10'])
  t.deepEqual(await part('bytes=10-'), [416, '', 'bytes */10'])
  t.deepEqual(await part('bytes=-0'), [416, '', 'bytes */10'])
  for (const whole of ['bytes=4-2', 'bytes=0-1,3-4', 'bytes=-', 'lines=1-2']) {
    t.deepEqual(await part(whole), [200, '0123456789', undefined], whole)
  }
  t.deepEqual(await part('bytes=0-1', { 'if-range': '"tag"' }), [200, '0123456789', undefined])
})

test('wrong rules are refused', (t) => {
  const refused = (rule: string) => t.throws(() => mapLocal([rule], surroundings))?.message ?? ''
  t.regex(refused('|(|/tmp'), /^map_local, rule 1: Invalid regular expression/)
  t.regex(refused('|a|/nowhere/at/all'), /ENOENT/)
  t.regex(refused('|~x|a|/tmp'), /no operator ~x/)
})
