// Holds the sources against ARCHITECTURE.md: what each room may import, how long a file may be, where public names are.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join, normalize, sep } from 'node:path'
import test from 'ava'
import { rooms, spoken, tables } from './support/rooms.js'

/** Files that may be longer than 350 lines, each with its reason. None may be longer than 500. */
const longFiles: Record<string, string> = {
  'src/wire/tunnel.rs': 'the one place where a datagram is believed or not: its checks are read in their order',
}

const generated = new Set(['src/native/binding.cjs', 'src/native/binding.d.cts'])

function files(folder: string, ...endings: string[]): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => ({ path: join(entry.parentPath, entry.name).split(sep).join('/'), file: entry.isFile() }))
    .filter(({ path, file }) => file && endings.includes(extname(path)) && !/\/(node_modules|target)\//.test(path))
    .map(({ path }) => path)
    .filter((path) => !generated.has(path))
    .sort()
}

const read = (path: string) => readFileSync(path, 'utf8')
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:])\/\/.*$/gm, '$1')

interface Import {
  from: string
  typeOnly: boolean
}

function imports(path: string): Import[] {
  const text = withoutComments(read(path))
  const statements = text.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)
  const calls = text.matchAll(/\b(?:import|require)\(\s*'([^']+)'/g)
  return [
    ...[...statements].map(([, type, from]) => ({ from: from ?? '', typeOnly: type !== undefined })),
    ...[...calls].map(([, from]) => ({ from: from ?? '', typeOnly: false })),
  ]
}

/** The page: a package of its own, which runs in a browser. */
const APP = 'src/web/app/'

/** The room of a file of src: its folder, or its own name where it lies in src itself. */
function roomOf(path: string): string {
  if (path.startsWith(APP)) return 'app'
  const [, first = ''] = path.split('/')
  return first.replace(/\.[cm]?[jt]s$/, '')
}

/** What is wrong with one import of one file, if anything. */
function fault(path: string, { from, typeOnly }: Import): string | undefined {
  const room = roomOf(path)
  const rule = rooms[room]
  const relative = from.startsWith('.')
  const target = relative
    ? normalize(join(dirname(path), from))
        .split(sep)
        .join('/')
    : from
  if (tables.includes(room)) return typeOnly ? undefined : 'a table imports types only'
  if (room === 'index') return relative ? undefined : 'index.ts names what is ours'
  if (!rule) return `there is no room ${room}`
  if (from.startsWith('node:')) return rule.node.includes(from.slice(5)) ? undefined : `${room} may not use ${from}`
  if (!relative) return undefined
  const other = roomOf(target)
  // It is built apart from the server, and so it has of it nothing but types.
  if (room === 'app' && other !== room)
    return typeOnly && target.startsWith('src/web/api/') ? undefined : 'the page imports types of src/web/api only'
  if (other === room) {
    const sibling = basename(target).replace(/\.js$/, '')
    // The lists know all of them, and so does the grammar, which names them.
    const isList = ['index.ts', 'spec.ts', 'by-option.ts'].includes(basename(path))
    return !rule.shared || isList || rule.shared.includes(sibling) ? undefined : `one of ${room} may not know another`
  }
  if (spoken.includes(other) && typeOnly) return undefined
  return rule.imports.includes(other) ? undefined : `${room} may not import ${other}`
}

test('each room imports only what its rule allows', (t) => {
  const sources = files('src', '.ts', '.tsx')
  t.true(sources.length > 3)
  const faults = sources.flatMap((path) =>
    imports(path).flatMap((one) => {
      const what = fault(path, one)
      return what ? [`${path}: '${one.from}': ${what}`] : []
    }),
  )
  t.deepEqual(faults, [])
})

/** The files of src that a file imports; of its types, too, where `types` is set. */
function neighbours(path: string, types: boolean): string[] {
  return imports(path)
    .filter(({ from, typeOnly }) => from.startsWith('.') && (types || !typeOnly))
    .map(({ from }) =>
      normalize(join(dirname(path), from))
        .split(sep)
        .join('/')
        .replace(
          /js$/,
          path.startsWith(APP) && existsSync(normalize(join(dirname(path), from)).replace(/js$/, 'tsx')) ? 'tsx' : 'ts',
        ),
    )
}

/** Each circle of imports, as the way round. */
function circles(paths: string[], next: (path: string) => string[]): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, way: string[]) => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(' > '))
    if (way.includes(path) || done.has(path)) return
    for (const other of next(path)) visit(other, [...way, path])
    done.add(path)
  }
  for (const path of paths) visit(path, [])
  return found
}

test('no two files import each other, not even by a detour', (t) => {
  t.deepEqual(
    circles(files('src', '.ts', '.tsx'), (path) => neighbours(path, false)),
    [],
  )
  t.deepEqual(
    circles(['a', 'b', 'c'], (path) => ({ a: ['b'], b: ['c'], c: ['a'] })[path] ?? []),
    ['a > b > c > a'],
  )
})

test('no room says what it may never say', (t) => {
  const faults = files('src', '.ts', '.tsx').flatMap((path) => {
    const found = rooms[roomOf(path)]?.never?.exec(withoutComments(read(path)))
    return found ? [`${path}: ${found[0]}`] : []
  })
  t.deepEqual(faults, [])
})

test('the rules notice what breaks them', (t) => {
  const value = (from: string) => ({ from, typeOnly: false })
  t.truthy(fault('src/layers/http.ts', value('node:net')))
  t.truthy(fault('src/layers/http.ts', value('../proxy/driver.js')))
  t.truthy(fault('src/modes/socks5.ts', value('./regular.js')))
  t.truthy(fault('src/cli/midwire.ts', value('../native/load.js')))
  t.truthy(fault('src/hooks.ts', value('node:net')))
  t.truthy(fault('src/options/store.ts', value('node:net')))
  t.truthy(fault('src/addons/block.ts', value('../options/values.js')))
  t.truthy(fault('src/somewhere.ts', value('./index.js')))
  t.truthy(fault('src/web/app/src/main.tsx', value('../../api/index.js')))
  t.truthy(fault('src/web/app/src/main.tsx', { from: '../../server.js', typeOnly: true }))
  t.falsy(fault('src/web/app/src/main.tsx', { from: '../../api/index.js', typeOnly: true }))
  t.falsy(fault('src/modes/index.ts', value('./regular.js')))
  t.falsy(fault('src/certs/store.ts', value('../native/load.js')))
  t.falsy(fault('src/cli/midwire.ts', value('../index.js')))
})

test('index.ts holds the public names and nothing else', (t) => {
  const rest = withoutComments(read('src/index.ts')).replace(/^export\s+(type\s+)?\{[^}]*\}\s+from\s+'[^']+';?$/gm, '')
  t.is(rest.trim(), '')
})

test('every file says in its first line what it is', (t) => {
  const silent = [
    ...files('src', '.ts', '.tsx'),
    ...files('__test__', '.ts'),
    ...files('scripts', '.mjs'),
    ...files('examples', '.mjs'),
  ]
    .filter((path) => !/^(#![^\n]*\n)?\/\/ \S/.test(read(path)))
    .concat(files('src', '.rs').filter((path) => !/^\/\/! \S/.test(read(path))))
  t.deepEqual(silent, [])
})

test('files are short', (t) => {
  const all = [...files('src', '.ts', '.tsx', '.rs'), ...files('__test__', '.ts', '.rs'), ...files('scripts', '.mjs')]
  const lengths = all.map((path) => {
    // A Rust file's own tests stand at its end and are not counted.
    const [text = ''] = read(path).split(/^#\[cfg\(test\)\]$/m)
    return { path, lines: text.trimEnd().split('\n').length }
  })
  const long = lengths.filter(({ path, lines }) => lines > (path in longFiles ? 500 : 350))
  t.deepEqual(long, [])
  const idle = Object.keys(longFiles).filter((path) => !lengths.some((one) => one.path === path && one.lines > 350))
  t.deepEqual(idle, [], 'an exception that is not needed any more')
})

/** The names in one table of a Cargo.toml. */
function dependencies(path: string, table: string): string[] {
  const [, after = ''] = read(path).split(`\n[${table}]\n`)
  const [body = ''] = after.split(/^\[/m)
  return [...body.matchAll(/^([\w-]+)\s*=/gm)].map(([, name]) => name ?? '').sort()
}

test('wire is pure: boringtun and smoltcp, no clock, no socket, no thread', (t) => {
  t.deepEqual(dependencies('src/wire/Cargo.toml', 'dependencies'), ['boringtun', 'smoltcp'])
  const impure =
    /\bstd::(time::(Instant|SystemTime)|net::(Udp|Tcp)\w+|thread|fs|process|env)\b|\b(Instant|SystemTime)::now\b|\b(tokio|napi)\b|\be?println!/
  const faults = files('src/wire', '.rs').flatMap((path) => {
    // Tests, and the example, are the world around a machine that is none.
    if (/(^|\/)(tests?|examples)(\/|\.rs$)|_tests?\.rs$/.test(path)) return []
    const [text = ''] = withoutComments(read(path)).split(/^#\[cfg\(test\)\]$/m)
    const found = impure.exec(text) ?? (path.endsWith('/key.rs') ? null : /\bOsRng\b|\brand::/.exec(text))
    return found ? [`${path}: ${found[0]}`] : []
  })
  t.deepEqual(faults, [])
})

test('native knows no protocol, and no panic of it can end the process', (t) => {
  const names = dependencies('Cargo.toml', 'dependencies')
  t.false(names.includes('boringtun') || names.includes('smoltcp'))
  t.true(names.includes('midwire-wire') && names.includes('napi'))
  let exported = 0
  const bare = files('src/native', '.rs').flatMap((path) => {
    const functions = [...read(path).matchAll(/#\[napi(\([^\]]*\))?\](?:\s*#\[[^\]]*\])*\s*pub (?:async )?fn (\w+)/g)]
    exported += functions.length
    return functions
      .filter(([, options = '']) => !options.includes('catch_unwind'))
      .map(([, , name]) => `${path}: ${name}`)
  })
  t.deepEqual(bare, [])
  t.true(exported > 5)
})
