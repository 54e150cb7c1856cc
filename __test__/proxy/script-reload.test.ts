// Scripts whose files change while a proxy runs: real files, which are loaded anew by the timer.
import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Running, startProxy } from '../support/proxy.js'

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'midwire-reload-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

let clock = Date.now() / 1000

/** Writes a file with a time that no earlier file has: some file systems know whole seconds alone. */
function write(path: string, text: string): string {
  writeFileSync(path, text)
  clock += 5
  utimesSync(path, clock, clock)
  return path
}

/** Calls the command that each of these scripts defines. */
const asked = (running: Running, name = 'its.word') => running.proxy.commands.call(name)

/** A script whose command tells its word and what it has counted. */
const script = (word: string, more = '') => `
export const state = { calls: 0 }
export const commands = {
  'its.word': { help: 'its word', arguments: [], run: () => [${word}, ++state.calls] },
}
export const options = { ${word.replace(/\W/g, '') || 'word'}_option: { type: 'integer', default: 1, help: '' } }
${more}`

for (const ending of ['mjs', 'ts']) {
  test(`a .${ending} script is loaded anew, and keeps the state that it declares`, async (t) => {
    const path = write(join(folder(t), `a.${ending}`), script("'one'"))
    const running = await startProxy(t, { options: { scripts: [path] } })
    t.deepEqual(await asked(running), ['one', 1])
    t.deepEqual(await asked(running), ['one', 2])
    write(path, script("'two'"))
    await running.logged(/a\.\w+ has changed and was loaded anew/)
    t.deepEqual(await asked(running), ['two', 3])
    t.false('one_option' in running.proxy.options.snapshot)
    t.is(running.proxy.options.get('two_option'), 1)
  })

  test(`a .${ending} script with an error goes on as it was, and the error has its line`, async (t) => {
    const path = write(join(folder(t), `b.${ending}`), script("'one'"))
    const running = await startProxy(t, { options: { scripts: [path] } })
    write(path, script("'two'", '\nconst = 3'))
    const { message } = await running.logged(/goes on as it was before the change/)
    t.regex(message, /b\.\w+:8:6/)
    t.deepEqual(await asked(running), ['one', 1])
    write(path, script("'three'", "throw new Error('not today')"))
    const thrown = await running.logged(/not today/)
    t.regex(thrown.message, /b\.\w+:7/)
    t.deepEqual(await asked(running), ['one', 2])
    write(path, script("'four'"))
    await running.logged(/was loaded anew/)
    t.deepEqual(await asked(running), ['four', 3])
  })
}

test('a file that a script imports from its folder counts, too', async (t) => {
  const home = folder(t)
  write(join(home, 'word.js'), "export const word = 'one'")
  const path = write(join(home, 'c.mjs'), `import { word } from './word.js'\n${script('word')}`)
  const running = await startProxy(t, { options: { scripts: [path] } })
  t.deepEqual(await asked(running), ['one', 1])
  write(join(home, 'word.js'), "export const word = 'two'")
  await running.logged(/was loaded anew/)
  t.deepEqual(await asked(running), ['two', 2])
})

test('values of its options stay, done of the old script runs, and hooks keep their order', async (t) => {
  const home = folder(t)
  const one = (word: string) => `
export const options = { shade: { type: 'string', default: 'red', help: '' } }
export function client_connected(client) { client.seen = [...(client.seen ?? []), '${word}'] }
export function done() { globalThis.doneOfScripts = [...(globalThis.doneOfScripts ?? []), '${word}'] }`
  const first = write(join(home, 'd.mjs'), one('first'))
  const second = write(
    join(home, 'e.mjs'),
    "export function client_connected(client) { globalThis.orderOfScripts = [...client.seen, 'second']; client.error = 'enough' }",
  )
  const running = await startProxy(t, { options: { scripts: [first, second], shade: 'blue' } })
  write(first, one('changed'))
  await running.logged(/was loaded anew/)
  t.is(running.proxy.options.get('shade'), 'blue')
  const seen = globalThis as unknown as { doneOfScripts?: string[]; orderOfScripts?: string[] }
  t.deepEqual(seen.doneOfScripts, ['first'])
  await t.throwsAsync(fetch(`http://127.0.0.1:${running.port}/`))
  t.deepEqual(seen.orderOfScripts, ['changed', 'second'])
})

test('a script that refuses the default of its option keeps the value that was given, also where a change is refused', async (t) => {
  const given = (word: string, more = '') => `
export const state = { loads: 0 }
export const commands = { 'its.word': { help: '', arguments: [], run: () => ['${word}', state.loads] } }
export const options = { api_key: { type: 'string', default: '', help: '' } }
export function configure({ options }) { if (options.api_key === '') throw new Error('no key') }
export function load() { state.loads += 1; ${more} }`
  const path = write(join(folder(t), 'g.mjs'), given('one'))
  const running = await startProxy(t, { options: { scripts: [path], api_key: 'k' } })
  write(path, given('two', "throw new Error('will not load')"))
  await running.logged(/will not load/)
  t.deepEqual(await asked(running), ['one', 1])
  t.is(running.proxy.options.get('api_key'), 'k')
  write(path, given('three'))
  await running.logged(/was loaded anew/)
  t.is(((await asked(running)) as string[])[0], 'three')
  t.is(running.proxy.options.get('api_key'), 'k')
})

test('state is kept beside a default export, too', async (t) => {
  const path = write(join(folder(t), 'h.mjs'), '')
  const text = (word: string) =>
    `export const state = { calls: 0 }
export default { commands: { 'its.word': { help: '', arguments: [], run: () => ['${word}', ++state.calls] } } }`
  write(path, text('one'))
  const running = await startProxy(t, { options: { scripts: [path] } })
  t.deepEqual(await asked(running), ['one', 1])
  write(path, text('two'))
  await running.logged(/was loaded anew/)
  t.deepEqual(await asked(running), ['two', 2])
})

test('what is no path in a script, and a file that cannot be looked at, stop neither the start nor later changes', async (t) => {
  const home = folder(t)
  const path = write(join(home, 'i.mjs'), `// import './${'x'.repeat(300)}'\n${script("'one'")}`)
  const running = await startProxy(t, { options: { scripts: [path] } })
  rmSync(path)
  symlinkSync(path, path)
  await running.logged(/goes on as it was before the change/)
  rmSync(path)
  write(path, script("'two'"))
  await running.logged(/was loaded anew/)
  t.is(((await asked(running)) as string[])[0], 'two')
})

test('where the new script cannot be added, the old one stays with its options', async (t) => {
  const path = write(join(folder(t), 'f.mjs'), script("'one'"))
  const running = await startProxy(t, { options: { scripts: [path] } })
  write(path, script("'two'", "export function load() { throw new Error('will not load') }"))
  await running.logged(/will not load/)
  t.deepEqual(await asked(running), ['one', 1])
  t.is(running.proxy.options.get('one_option'), 1)
})
