// Addons from files: `-s script.ts|.js|.mjs`. What a module exports by default, as `addons`, or as hook functions, is run.
import { stat } from 'node:fs/promises'
import { extname, isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MidwireError, nearest } from '../errors.js'
import type { Addon, HookName } from '../hooks.js'
import { ownModule } from './own-module.js'

/** Endings that Node loads by itself; the rest is TypeScript. */
const PLAIN = new Set(['.js', '.mjs', '.cjs'])

/** How long a module may take to run; in milliseconds. */
const LOAD_MILLISECONDS = 30_000

/** Kept whole by its type. */
const HOOKS: Record<HookName, true> = {
  ...{ running: true, done: true, client_connected: true, client_disconnected: true },
  ...{ server_connect: true, server_connected: true, server_connect_error: true, server_disconnected: true },
  ...{ tls_clienthello: true, tls_established_client: true, tls_established_server: true },
  ...{ tls_failed_client: true, tls_failed_server: true },
  ...{ requestheaders: true, request: true, responseheaders: true, response: true, error: true, http_connect: true },
  ...{ tcp_start: true, tcp_message: true, tcp_end: true, tcp_error: true },
  ...{ udp_start: true, udp_message: true, udp_end: true, udp_error: true },
  ...{ dns_request: true, dns_response: true, dns_error: true },
}

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
    const names = membersOf(one)
    if (!names.some((name) => Object.hasOwn(HOOKS, name))) {
      throw new MidwireError('ERR_SCRIPT', `${path}: it exports no hook${hint(names)}`)
    }
    return named(one, path)
  })
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

/** What an object and its class have. */
function membersOf(addon: object): string[] {
  const names: string[] = []
  for (let part: object | null = addon; part && part !== Object.prototype; part = Object.getPrototypeOf(part)) {
    names.push(...Object.getOwnPropertyNames(part))
  }
  return names.filter((name) => name !== 'constructor')
}

function hint(names: readonly string[]): string {
  for (const name of names) {
    const meant = nearest(name, Object.keys(HOOKS))
    if (meant) return `: ${name} is none, did you mean ${meant}?`
  }
  return ', a function like `request(flow)`'
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
