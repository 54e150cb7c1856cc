// Finds the hooks of an addon by the names of its methods, and refuses a method whose name is a mistyped one of a hook.
import { MidwireError, nearest } from '../errors.js'
import { type Addon, FOREIGN_HOOKS, HOOK_NAMES, type HookName } from '../hooks.js'

const KNOWN: ReadonlySet<string> = new Set(HOOK_NAMES)
const FOREIGN: ReadonlySet<string> = new Set(FOREIGN_HOOKS)

/** Each hook by its name in small letters without underscores, so that `tcpMessage` is found to mean `tcp_message`. */
const PLAIN_NAMES = new Map(HOOK_NAMES.map((name) => [plain(name), name]))

/** The hooks that an addon has methods for. Throws ERR_HOOK for a method whose name is nearly that of a hook. */
export function hooksOf(addon: Addon): HookName[] {
  const names = membersOf(addon)
  for (const name of names) if (!KNOWN.has(name)) checkMember(addon, name)
  return names.filter((name): name is HookName => KNOWN.has(name) && isMethod(addon, name))
}

/** Throws ERR_HOOK for a name that no hook has. */
export function checkHookName(name: string): void {
  if (KNOWN.has(name)) return
  const meant = PLAIN_NAMES.get(nearest(plain(name), [...PLAIN_NAMES.keys()]) ?? '')
  const hint = meant ? `did you mean ${meant}?` : `the hooks are ${HOOK_NAMES.join(', ')}`
  throw new MidwireError('ERR_HOOK', FOREIGN.has(name) ? notYet(name) : `there is no hook ${shown(name)}, ${hint}`)
}

function checkMember(addon: Addon, name: string): void {
  const isForeign = FOREIGN.has(name)
  // A method with one wrong letter is a mistyped hook. One with two is a method of the addon's own, such as `respond`.
  const meant = isForeign ? undefined : nearest(plain(name), [...PLAIN_NAMES.keys()], 1)
  if ((!isForeign && meant === undefined) || !isMethod(addon, name)) return
  const what = isForeign
    ? notYet(name)
    : `there is no hook ${shown(name)}, did you mean ${PLAIN_NAMES.get(meant ?? '')}?`
  throw new MidwireError('ERR_HOOK', addon.name ? `addon ${addon.name}: ${what}` : what)
}

const notYet = (name: string) => `the hook ${name} is one of mitmproxy's that midwire does not have yet`

const shown = (name: string) => JSON.stringify(name.slice(0, 60)).slice(1, -1)

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/** Whether a member is a function other than a class: a script may export a class, such as `Request`, beside its hooks. */
function isMethod(addon: Addon, name: string): boolean {
  const member: unknown = (addon as Record<string, unknown>)[name]
  return typeof member === 'function' && !/^class\b/.test(Function.prototype.toString.call(member))
}

/** The names of the members of an object and of its classes. */
function membersOf(addon: Addon): string[] {
  const names = new Set<string>()
  for (let part: object | null = addon; part && part !== Object.prototype; part = Object.getPrototypeOf(part)) {
    for (const name of Object.getOwnPropertyNames(part)) names.add(name)
  }
  names.delete('constructor')
  return [...names]
}
