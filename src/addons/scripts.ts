// Loads addons from files: `-s script.ts|.js|.mjs`. A module exports them by default, as `addons`, or it exports hook functions.
import { readFile, stat } from 'node:fs/promises'
import { extname, isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MidwireError } from '../errors.js'
import type { Addon } from '../hooks.js'
import { hooksOf } from './hook-names.js'
import { ownModule } from './own-module.js'

/** The endings of files that Node loads by itself. Any other file is TypeScript. */
const PLAIN = new Set(['.js', '.mjs', '.cjs'])

/** Milliseconds for a module to be loaded and its top level to run. */
const LOAD_MILLISECONDS = 30_000

type Module = Record<string, unknown>

const files = new WeakMap<object, string>()

/** The file that an addon was loaded from; undefined for an addon that no script has brought. */
export const fileOf = (addon: object): string | undefined => files.get(addon)

const states = new WeakMap<object, unknown>()

/** What the addon of a script keeps when it is loaded anew: its own property `state`, or what its module exports by that name. */
export function stateOf(addon: Addon): Record<string, unknown> | undefined {
  const state = addon.state ?? states.get(addon)
  return typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : undefined
}

/** Loads scripts in the order given. Throws ERR_SCRIPT, which names the file and its fault. */
export async function loadScripts(
  paths: readonly string[],
  { patience = LOAD_MILLISECONDS }: { readonly patience?: number } = {},
): Promise<Addon[]> {
  const addons: Addon[] = []
  for (const path of paths) addons.push(...(await loadScript(isAbsolute(path) ? path : resolve(path), patience)))
  return addons
}

/** Loads a script that was loaded before, with what it imports, as the files are now. Throws ERR_SCRIPT. */
export const reloadScript = (path: string): Promise<Addon[]> => loadScript(path, LOAD_MILLISECONDS, loadAnew)

async function loadScript(path: string, patience: number, loader = load): Promise<Addon[]> {
  let given: unknown[]
  let state: unknown
  try {
    if ((await stat(path)).isDirectory()) throw new Error('it is a directory')
    const module = await inTime(loader(path), patience)
    given = addonsOf(module)
    state = module.state
  } catch (cause) {
    throw new MidwireError('ERR_SCRIPT', `${path}: ${reasonOf(cause)}`, { cause })
  }
  return given.map((one) => {
    if (typeof one !== 'object' || one === null) {
      throw new MidwireError(
        'ERR_SCRIPT',
        `${path}: its export is no addon, which is an object with hooks, or a class of one`,
      )
    }
    const { views, commands } = one as Addon
    if (hooksOfScript(path, one).length === 0 && !views && !commands) {
      throw new MidwireError('ERR_SCRIPT', `${path}: it exports no hook, a function like \`request(flow)\``)
    }
    const addon = named(one, path)
    files.set(addon, path)
    states.set(addon, state)
    return addon
  })
}

function hooksOfScript(path: string, addon: Addon): readonly string[] {
  try {
    return hooksOf(addon)
  } catch (cause) {
    throw new MidwireError('ERR_SCRIPT', `${path}: ${reasonOf(cause)}`, { cause })
  }
}

/** The addons that a module exports. A module that exports hook functions is itself an addon, as mitmproxy's scripts are. */
function addonsOf(module: Module): unknown[] {
  const found = [module.default, module.addons].filter((one) => one !== undefined).flat()
  if (found.length === 0) return [{ ...module }]
  return found.map((one) => (isConstructor(one) ? new one() : one))
}

/** Whether a value is a class, or a function that `new` can be used with; an arrow function is neither. */
const isConstructor = (value: unknown): value is new () => unknown =>
  typeof value === 'function' && typeof value.prototype === 'object'

/** Gives an addon without a name that of its file. An addon that cannot be changed is wrapped in an object with that name. */
function named(addon: Addon, path: string): Addon {
  if (addon.name) return addon
  if (Object.isExtensible(addon)) return Object.assign(addon, { name: path })
  return Object.create(addon, { name: { value: path } }) as Addon
}

/** Rejects where a module does not finish in time. The timer also keeps the process alive while the module waits. */
async function inTime<T>(loading: Promise<T>, patience: number): Promise<T> {
  let late: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    const error = new Error(`it has not been loaded within ${patience / 1000} s: an await at its top level never ends`)
    late = setTimeout(() => reject(error), patience)
  })
  return Promise.race([loading, timeout]).finally(() => clearTimeout(late))
}

/** The reason of a failure, as one line. */
function reasonOf(cause: unknown): string {
  if ((cause as NodeJS.ErrnoException | null)?.code === 'ENOENT') return 'there is no such file'
  const text = cause instanceof Error ? cause.message || cause.name : String(cause)
  return text.replaceAll(/\s*\n\s*/g, ' ')
}

async function load(path: string): Promise<Module> {
  const midwire = await ownModule()
  if (PLAIN.has(extname(path))) return (await import(pathToFileURL(path).href)) as Module
  return (await (await compiler(midwire)).import(path)) as Module
}

/**
 * Node never forgets a module that it has loaded, so a script that has changed is compiled by jiti, whatever its ending, and so is what it
 * imports from files; modules of Node's own kind, `.mjs` and those of a package of `type: module`, stay as they were first loaded.
 */
async function loadAnew(path: string): Promise<Module> {
  const jiti = await compiler(await ownModule(), { moduleCache: false })
  const source = await readFile(path, 'utf8')
  return (await jiti.evalModule(source, { id: path, filename: path, async: true, forceTranspile: true })) as Module
}

/**
 * jiti, the compiler, is loaded only where it is needed. It resolves imports by itself, hence `virtualModules`. Its cache of files is off,
 * because every user of the machine could write to the folder of the cache.
 */
async function compiler(midwire: Module, more: { readonly moduleCache?: boolean } = {}) {
  const { createJiti } = await import('jiti')
  return createJiti(import.meta.url, { virtualModules: { midwire }, fsCache: false, ...more })
}
