// Addons from files: `-s script.ts|.js|.mjs`. What a module exports by default, as `addons`, or as hook functions, is run.
import { stat } from 'node:fs/promises'
import { extname, isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MidwireError } from '../errors.js'
import type { Addon } from '../hooks.js'
import { hooksOf } from './hook-names.js'
import { ownModule } from './own-module.js'

/** Endings that Node loads by itself; the rest is TypeScript. */
const PLAIN = new Set(['.js', '.mjs', '.cjs'])

/** How long a module may take to run; in milliseconds. */
const LOAD_MILLISECONDS = 30_000

type Module = Record<string, unknown>

/** Loads scripts in the order given. Throws ERR_SCRIPT, which names the file and what is wrong with it. */
export async function loadScripts(
  paths: readonly string[],
  { patience = LOAD_MILLISECONDS }: { readonly patience?: number } = {},
): Promise<Addon[]> {
  const addons: Addon[] = []
  for (const path of paths) addons.push(...(await loadScript(isAbsolute(path) ? path : resolve(path), patience)))
  return addons
}

async function loadScript(path: string, patience: number): Promise<Addon[]> {
  let given: unknown[]
  try {
    if ((await stat(path)).isDirectory()) throw new Error('it is a directory')
    given = addonsOf(await inTime(load(path), patience))
  } catch (cause) {
    throw new MidwireError('ERR_SCRIPT', `${path}: ${reasonOf(cause)}`, { cause })
  }
  return given.map((one) => {
    if (typeof one !== 'object' || one === null) {
      throw new MidwireError('ERR_SCRIPT', `${path}: what it exports is no addon: an object with hooks, or its class`)
    }
    if (hooksOfScript(path, one).length === 0) {
      throw new MidwireError('ERR_SCRIPT', `${path}: it exports no hook, a function like \`request(flow)\``)
    }
    return named(one, path)
  })
}

function hooksOfScript(path: string, addon: Addon): readonly string[] {
  try {
    return hooksOf(addon)
  } catch (cause) {
    throw new MidwireError('ERR_SCRIPT', `${path}: ${reasonOf(cause)}`, { cause })
  }
}

/** A module of plain hook functions is an addon itself, as mitmproxy's scripts are. */
function addonsOf(module: Module): unknown[] {
  const found = [module.default, module.addons].filter((one) => one !== undefined).flat()
  if (found.length === 0) return [{ ...module }]
  return found.map((one) => (isConstructor(one) ? new one() : one))
}

/** A class or an old-style function; not an arrow function, which makes no object. */
const isConstructor = (value: unknown): value is new () => unknown =>
  typeof value === 'function' && typeof value.prototype === 'object'

/** An addon that has no name is called by its file, whether it can be given one or not. */
function named(addon: Addon, path: string): Addon {
  if (addon.name) return addon
  if (Object.isExtensible(addon)) return Object.assign(addon, { name: path })
  return Object.create(addon, { name: { value: path } }) as Addon
}

/** A module that waits for ever is refused; and who waits with it keeps the process alive until then. */
async function inTime<T>(loading: Promise<T>, patience: number): Promise<T> {
  let late: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    const error = new Error(`it has not been loaded within ${patience / 1000} s: an await at its top level never ends`)
    late = setTimeout(() => reject(error), patience)
  })
  return Promise.race([loading, timeout]).finally(() => clearTimeout(late))
}

/** In one line. */
function reasonOf(cause: unknown): string {
  if ((cause as NodeJS.ErrnoException | null)?.code === 'ENOENT') return 'there is no such file'
  const text = cause instanceof Error ? cause.message || cause.name : String(cause)
  return text.replaceAll(/\s*\n\s*/g, ' ')
}

async function load(path: string): Promise<Module> {
  const midwire = await ownModule()
  if (PLAIN.has(extname(path))) return (await import(pathToFileURL(path).href)) as Module
  // A compiler is loaded only where there is something to compile. It has resolution of its own, and no cache on the disk: that
  // would be in a folder that every user of the machine can write to.
  const { createJiti } = await import('jiti')
  return (await createJiti(import.meta.url, { virtualModules: { midwire }, fsCache: false }).import(path)) as Module
}
