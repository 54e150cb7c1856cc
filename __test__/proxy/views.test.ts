// Views of a proxy: options choose and change them, addons bring them, and the terminal and commands show by them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Midwire, renderView, terminalSink, type View, viewNames } from '../../src/index.js'
import { httpFlow } from '../support/flows.js'

const proto = { contentType: 'application/protobuf' }
const bytes = Buffer.from('0807', 'hex')
const text = ({ lines }: { lines: readonly unknown[] }) => lines.flat(3).join('')

const mine: View = { name: 'mine', priority: () => 1, render: (content) => `mine: ${content.length}` }

test('options and addons decide how content is shown', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-views-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'a.proto'), 'import "b.proto"; message A { B b = 2; int32 id = 1; }')
  writeFileSync(join(folder, 'b.proto'), 'message B { A a = 1; }')
  writeFileSync(join(folder, 'bad.proto'), 'message A {')
  let written = ''
  const sink = terminalSink({ write: (more) => (written += more) }, { flow_detail: 3 })
  const start = (options = {}) => Midwire.start({ confdir: folder, modes: ['regular@0'], sinks: [sink], options })
  await t.throwsAsync(start({ dumper_default_contentview: 'jsn' }), {
    code: 'ERR_OPTION',
    message: /did you mean json/,
  })
  await t.throwsAsync(start({ protobuf_definitions: join(folder, 'none') }), { code: 'ERR_OPTION', message: /ENOENT/ })
  const proxy = await start()
  t.teardown(() => proxy.close())
  const show = () => text(proxy.views.render(bytes, { contentType: 'application/protobuf; proto=A' }))

  t.is(show(), 'name1: number7')
  proxy.options.set({ protobuf_definitions: join(folder, 'a.proto') })
  t.regex(show(), /id.*7/)
  t.throws(() => proxy.options.set({ protobuf_definitions: join(folder, 'bad.proto') }), {
    message: /bad\.proto:1: the file ends/,
  })
  t.regex(show(), /id.*7/)
  proxy.options.set({ protobuf_definitions: '' })
  t.notRegex(show(), /id/)

  const shown = async () => {
    written = ''
    sink.flow?.(httpFlow({ responseBody: '[1]' }))
    await new Promise(setImmediate)
    return written
  }
  t.regex(await shown(), /\n {4}\[\n {6}1\n {4}\]\n/)
  const remove = proxy.addAddon({ name: 'a', views: [mine] })
  t.regex(await shown(), /\n {4}mine: 3\n/)
  proxy.options.set({ dumper_default_contentview: 'text' })
  t.regex(await shown(), /\n {4}\[1\]\n/)
  t.throws(() => proxy.options.set({ dumper_default_contentview: 'other' }), { code: 'ERR_OPTION' })
  const flow = httpFlow({ responseBody: '[1]' })
  t.is(await proxy.commands.call('view.content', flow, 'response', 'mine'), 'mine: 3')
  remove()
  t.is(await proxy.commands.call('view.content', flow, 'response'), '[\n  1\n]')
  await t.throwsAsync(proxy.commands.call('view.content', flow, 'response', 'mine'), { code: 'ERR_OPTION' })
  t.deepEqual(await proxy.commands.call('view.names'), viewNames())
})

test('without a proxy midwire has its own views', (t) => {
  t.is(text(renderView(bytes, proto)), 'name1: number7')
  t.true(viewNames().includes('grpc') && viewNames()[0] === 'auto')
})

test('a script may have views alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-views-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const script = join(folder, 'views.mjs')
  writeFileSync(
    script,
    'export const views = [{ name: "mine", priority: () => 1, render: (content) => "from a script" }]',
  )
  const proxy = await Midwire.start({ confdir: folder, modes: ['regular@0'], options: { scripts: [script] } })
  t.teardown(() => proxy.close())
  t.is(text(proxy.views.render(bytes)), 'from a script')
})
