// Addons from files: `-s script.ts|.js|.mjs`. What a module exports by default, as `addons`, or as hook functions, is run.
import { stat } from 'node:fs/promises'
import { extname, isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MidwireError } from '../errors.js'
import type { Addon } from '../hooks.js'

/** Endings that Node loads by itself; the rest is TypeScript. */
const PLAIN = new Set(['.js', '.mjs', '.cjs'])

type Module = Record<string, unknown>

/** Loads scripts in the order given. Throws ERR_SCRIPT, which names the file and what is wrong with it. */
export async function loadScripts(paths: readonly string[]): Promise<Addon[]> {
  const addons: Addon[] = []
  for (const path of paths) addons.push(...(await loadScript(isAbsolute(path) ? path : resolve(path))))
  return addons
}

async function loadScript(path: string): Promise<Addon[]> {
  let module: Module
  try {
    await stat(path)
    module = await load(path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MidwireError('ERR_SCRIPT', `${path}: ${reason.replaceAll('\n', ' ')}`, { cause })
  }
  const found = [module.default, module.addons].filter((one) => one !== undefined).flat()
  // A module of plain hook functions is an addon itself, as mitmproxy's scripts are.
  const given = found.length > 0 ? found : [{ ...module }]
  const addons = given.map((one) => (typeof one === 'function' ? new (one as new () => Addon)() : one) as Addon)
  for (const addon of addons) {
    if (typeof addon !== 'object' || addon === null)
      throw new MidwireError('ERR_SCRIPT', `${path}: what it exports is no addon`)
    if (Object.keys(addon).length === 0 && Object.getPrototypeOf(addon) === Object.prototype) {
      throw new MidwireError('ERR_SCRIPT', `${path}: it exports no hook`)
    }
  }
  return addons.map((addon) => (addon.name ? addon : Object.assign(addon, { name: path })))
}

async function load(path: string): Promise<Module> {
  if (PLAIN.has(extname(path))) return (await import(pathToFileURL(path).href)) as Module
  // A compiler is loaded only where there is something to compile.
  const { createJiti } = await import('jiti')
  return (await createJiti(import.meta.url).import(path)) as Module
}
