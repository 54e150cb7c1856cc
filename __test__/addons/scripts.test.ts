// Scripts: what a file may export to be an addon, TypeScript with types alone, and one line for everything that is none.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadScripts } from '../../src/addons/scripts.js'
import type { Addon } from '../../src/hooks.js'
import { HttpResponse } from '../../src/index.js'

function script(t: ExecutionContext, name: string, text: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-scripts-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const hooks = (addons: readonly Addon[]) => addons.map(({ request, done }) => [typeof request, typeof done])

test('functions, an object, a class, a frozen object, and a list of them are addons', async (t) => {
  const load = async (text: string) => hooks(await loadScripts([script(t, 'a.mjs', text)]))
  t.deepEqual(await load('export function request() {}'), [['function', 'undefined']])
  t.deepEqual(await load('export default { done() {} }'), [['undefined', 'function']])
  t.deepEqual(await load('export default class { request() {} }'), [['function', 'undefined']])
  t.deepEqual(await load('export default Object.freeze({ request() {} })'), [['function', 'undefined']])
  t.deepEqual(await load('export const addons = [{ request() {} }, class { done() {} }]'), [
    ['function', 'undefined'],
    ['undefined', 'function'],
  ])
})

test('an addon has its own name, or its file', async (t) => {
  const own = script(t, 'own.mjs', "export default { name: 'mine', request() {} }")
  const none = script(t, 'none.mjs', 'export default Object.freeze({ request() {} })')
  t.deepEqual(
    (await loadScripts([own, none])).map(({ name }) => name),
    ['mine', none],
  )
})

test('TypeScript: types vanish, enums and parameter properties work', async (t) => {
  const text = `import type { HttpFlow } from 'midwire'
import { type Flow } from 'nowhere-at-all'
enum Kind { A = 'a' }
export default class {
  constructor(private readonly kind: Kind = Kind.A) {}
  request(flow: HttpFlow): Flow { return this.kind satisfies string as unknown as Flow }
}`
  t.deepEqual(hooks(await loadScripts([script(t, 'typed.ts', text)])), [['function', 'undefined']])
})

test('what is no addon is refused in one line, with the file', async (t) => {
  const wrong: [name: string, text: string | Buffer, said: RegExp][] = [
    ['empty.mjs', '', /it exports no hook, a function like `request\(flow\)`$/],
    ['typo.mjs', 'export function reqest() {}', /there is no hook reqest, did you mean request\?$/],
    ['data.json', '{"a": 1}', /it exports no hook/],
    ['arrow.mjs', 'export default () => {}', /its export is no addon/],
    ['null.mjs', 'export default null', /its export is no addon/],
    ['class.mjs', "export default class { constructor() { throw new Error('in it') } request() {} }", /: in it$/],
    ['throw.mjs', "throw new Error('top\\n  of it')", /: top of it$/],
    ['thrown.mjs', 'throw null', /: null$/],
    ['missing.mjs', "import 'nowhere-at-all'", /Cannot find package 'nowhere-at-all'/],
    ['syntax.mjs', 'export function request( {', /Unexpected end of input/],
    ['syntax.ts', 'export function request(a: { {', /syntax\.ts:1:29/],
    ['bytes.ts', Buffer.from('00ff80c0', 'hex'), /Unexpected character/],
    ['script.py', 'print(1)', /Unknown file extension "\.py"/],
  ]
  for (const [name, text, said] of wrong) {
    const path = script(t, name, text)
    const error = await t.throwsAsync(loadScripts([path]), { code: 'ERR_SCRIPT' }, name)
    t.regex(error?.message ?? '', said)
    t.true(error?.message.startsWith(`the script cannot be run: ${path}: `), name)
    t.false(error?.message.includes('\n'), name)
  }
})

test('a folder, no file at all, and a module that never ends are refused, too', async (t) => {
  const path = script(t, 'wait.mjs', 'await new Promise(() => {})')
  await t.throwsAsync(loadScripts([path], { patience: 50 }), { message: /not been loaded within 0\.05 s/ })
  mkdirSync(`${path}.d`)
  await t.throwsAsync(loadScripts([`${path}.d`]), { code: 'ERR_SCRIPT', message: /it is a directory$/ })
  await t.throwsAsync(loadScripts([`${path}.none`]), { code: 'ERR_SCRIPT', message: /there is no such file$/ })
})

test('`midwire` is the one that runs the script: in every kind of script, its modules and packages, and beside another copy', async (t) => {
  const folder = join(script(t, 'package.json', '{}'), '..')
  // Nothing above it has a midwire.
  const alone = join(script(t, 'package.json', '{}'), '..')
  const put = (where: string, files: Record<string, string>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(where, path, '..'), { recursive: true })
      writeFileSync(join(where, path), text)
    }
  }
  const modules = {
    'script.ts': `import { HttpResponse } from 'midwire'
import { theirs } from './helper.ts'
import { packaged } from 'packaged'
const all: unknown[] = [HttpResponse, theirs, packaged, (await import('midwire')).HttpResponse]
export default { all, request() {} }`,
    'helper.ts': "export { HttpResponse as theirs } from 'midwire'",
    'script.mjs': `import { HttpResponse } from 'midwire'
import { theirs } from './helper.mjs'
import { packaged } from 'packaged'
await null
export default { all: [HttpResponse, theirs, packaged, (await import('midwire')).HttpResponse], request() {} }`,
    'helper.mjs': "export { HttpResponse as theirs } from 'midwire'",
    'script.cjs': `const all = [require('midwire').HttpResponse, require('common').common]
module.exports = { all, request() {} }`,
    'node_modules/packaged/package.json': '{"type": "module", "exports": "./index.js"}',
    'node_modules/packaged/index.js': "export { HttpResponse as packaged } from 'midwire'",
    'node_modules/common/index.js': "exports.common = require('midwire').HttpResponse",
  }
  const copy = {
    'node_modules/midwire/package.json': '{"type": "module", "exports": "./index.js"}',
    'node_modules/midwire/index.js': 'export class HttpResponse {}',
  }
  put(alone, modules)
  put(folder, { ...modules, ...copy })
  const names = ['script.ts', 'script.mjs', 'script.cjs']
  for (const path of [...names.map((name) => join(alone, name)), ...names.map((name) => join(folder, name))]) {
    const [addon] = await loadScripts([path])
    const { all } = addon as { all: unknown[] }
    t.true(all.length > 1 && all.every((one) => one === HttpResponse), path)
  }
})

test('the stack of an error has the line in the script', async (t) => {
  const body = "\nexport function request() {\n\n  throw new Error('line 4')\n}\n"
  for (const [name, text] of [
    ['lines.mjs', `// one${body}`],
    ['lines.ts', `enum Kind { A }${body}`],
    ['lines.mts', `interface Kind { readonly a: 1 }${body}`],
  ] as const) {
    const path = script(t, name, text)
    const [addon] = await loadScripts([path])
    const error = t.throws(() => Reflect.apply(addon?.request as () => void, addon, []))
    t.true(error.stack?.includes(`${path}:4:9`), `${name}: ${error.stack}`)
  }
})
