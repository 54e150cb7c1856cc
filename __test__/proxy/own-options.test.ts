// Options that programs, addons and scripts define: how they are given, who is told of changes, and who may refuse them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type Addon, type ConfigureHook, Midwire } from '../../src/index.js'
import { get, ok, startProxy } from '../support/proxy.js'
import { dial, listen } from '../support/talk.js'

test('programs define options, hear of changes, and refuse them', async (t) => {
  const { proxy } = await startProxy(t)
  const undefine = proxy.options.define({ my_limit: { type: 'integer', default: 5, help: 'most of it' } })
  const heard: unknown[] = []
  const off = proxy.options.onChange('my_limit', (options, changed) => {
    if (options.my_limit === 0) throw new Error('none is too few')
    heard.push(options.my_limit, [...changed])
  })
  proxy.options.set({ my_limit: 6, flow_detail: 2 })
  t.throws(() => proxy.options.set({ my_limit: 0, flow_detail: 3 }), { message: 'none is too few' })
  t.deepEqual([proxy.options.get('my_limit'), proxy.options.get('flow_detail')], [6, 2])
  off()
  proxy.options.set('my_limit', 7)
  t.deepEqual(heard, [6, ['my_limit', 'flow_detail'], 6, ['my_limit', 'flow_detail']])
  undefine()
  t.throws(() => proxy.options.set('my_limit', 8), { code: 'ERR_OPTION', message: /^unknown option `my_limit`/ })
})

/** An addon with an option, and what it was told. */
function limiter() {
  const told: ConfigureHook[] = []
  const addon: Addon = {
    name: 'limiter',
    options: { limit: { type: 'integer', default: 5, help: 'most of it' } },
    configure(change) {
      if (change.options.limit === 0) throw new Error('limit is 0, and nothing would pass')
      told.push(change)
    },
  }
  return { told, addon }
}

test("an addon's options: given before it is there, told at the start and at each change, refused by a throw", async (t) => {
  const { told, addon } = limiter()
  const { proxy } = await startProxy(t, { addons: [addon], options: { limit: '7' } })
  t.is(told.length, 1)
  t.is(told[0]?.options.limit, 7)
  t.true(told[0]?.changed.has('limit') && told[0].changed.has('flow_detail'))
  proxy.options.set({ flow_detail: 2 })
  t.deepEqual([...(told[1]?.changed ?? [])], ['flow_detail'])
  t.throws(() => proxy.options.set({ limit: 0 }), {
    code: 'ERR_OPTION',
    message: 'addon limiter refuses the options: limit is 0, and nothing would pass',
  })
  t.is(proxy.options.get('limit'), 7)
})

test('an addon that is refused, or refuses, at the start: nothing is listened on', async (t) => {
  const { port } = await listen(t)
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-options-'))
  t.teardown(() => rmSync(confdir, { recursive: true }))
  // Whoever listened first would say that the port is taken.
  const start = (addon: Addon, options = {}) =>
    Midwire.start({ confdir, modes: [`regular@${port}`], addons: [addon], options })
  const { addon } = limiter()
  await t.throwsAsync(start(addon, { limit: 0 }), { code: 'ERR_OPTION', message: /^addon limiter refuses the options/ })
  await t.throwsAsync(start(addon, { limti: 1 }), { code: 'ERR_OPTION', message: /did you mean `limit`\?$/ })
  await t.throwsAsync(start(addon, { web_theme: 1 }), { message: /midwire's has not$/ })
  await t.throwsAsync(start(addon, { limit: 'x' }), { code: 'ERR_OPTION', message: /^limit: "x" is not a whole/ })
  await t.throwsAsync(start({ reqest() {} } as Addon), { code: 'ERR_HOOK', message: /did you mean request\?$/ })
})

test('an addon comes and goes with its options, while the proxy runs', async (t) => {
  const { proxy } = await startProxy(t)
  const { told, addon } = limiter()
  const remove = proxy.addAddon(addon)
  t.is(told[0]?.options.limit, 5)
  t.throws(() => proxy.addAddon({ ...addon }), {
    message: /defines the option `limit`, which addon limiter has defined/,
  })
  proxy.options.set('limit', 6)
  t.is(told.length, 2)
  remove()
  t.throws(() => proxy.options.get('limit'), { code: 'ERR_OPTION' })
  proxy.options.set('flow_detail', 2)
  t.is(told.length, 2)
  const refuse = () => {
    throw new Error('not here')
  }
  t.throws(() => proxy.addAddon({ ...addon, reqest() {} } as Addon), { code: 'ERR_HOOK' })
  t.throws(() => proxy.addAddon({ ...addon, configure: refuse }), { message: /refuses the options: not here$/ })
  // Neither has left its option behind.
  proxy.addAddon(addon)
  t.is(told.length, 3)
})

test('hooks by name: one that is none is refused', async (t) => {
  const { proxy } = await startProxy(t)
  t.throws(() => proxy.on('reqest' as 'request', () => {}), {
    code: 'ERR_HOOK',
    message: 'there is no hook reqest, did you mean request?',
  })
})

test('a script that defines an option which is given before it is loaded', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-options-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const script = join(folder, 'mark.mjs')
  writeFileSync(
    script,
    `export const options = { mark: { type: 'string', default: 'none', help: 'what is put into X-Mark' } }
let mark
export function configure({ options }) { mark = options.mark }
export function response(flow) { flow.response.headers.set('X-Mark', mark) }`,
  )
  const running = await startProxy(t, { options: { scripts: [script], mark: 'early' } })
  const upstream = await listen(t, async (talk) => {
    while (await talk.hears('\r\n\r\n').catch(() => undefined)) talk.says(ok('bbbbbb'))
  })
  const client = await dial(t, running.port)
  for (const mark of ['early', 'late']) {
    running.proxy.options.set({ mark })
    client.says(get(upstream.port))
    t.regex(await client.hears('bbbbbb'), new RegExp(`X-Mark: ${mark}`))
  }
})
