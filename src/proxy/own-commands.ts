// midwire's own commands: those about flows, the options, and the proxy.
import { readFile, stat, writeFile } from 'node:fs/promises'
import { Backups } from '../addons/flow-backup.js'
import { flowCommands } from '../addons/flow-commands.js'
import { loadScripts } from '../addons/scripts.js'
import { type CommandDefinitions, command } from '../commands.js'
import { MidwireError } from '../errors.js'
import type { AnyFlow } from '../flow/index.js'
import type { ConfigureHook } from '../hooks.js'
import type { GivenOptions, OptionDefinition, OptionValue } from '../options/definitions.js'
import { FOREIGN } from '../options/foreign.js'
import { OptionStore } from '../options/store.js'
import { sameValue } from '../options/values.js'
import { type CommandInfo, Commands } from './commands.js'
import { Dispatcher } from './dispatch.js'
import { defineOf } from './options.js'
import type { Midwire } from './proxy.js'

/** The most bytes of a file of options. */
const MAX_OPTIONS = 128 * 1024

/** `active`: the number of client connections that are open; `backups`: flows as they were before commands changed them. */
export function ownCommands(proxy: Midwire, active: () => number, backups: Backups): CommandDefinitions {
  const { options } = proxy
  const ofFlows = (flows: AnyFlow[]) => proxy.update(flows)
  return {
    ...flowCommands(ofFlows as (flows: never[]) => void, backups),
    set: command({
      help: 'set an option, as --set does; several values are for lists, and none is the default',
      arguments: [
        { name: 'option', type: 'text' },
        { name: 'value', type: 'text', rest: true },
      ],
      run: (name, ...values) => options.set(name, values.length > 1 ? values : values[0]),
    }),
    'options.load': command({
      help: 'read options from a file like config.yaml',
      arguments: [{ name: 'path', type: 'path' }],
      run: async (path) => options.set(await optionsOf(path)),
    }),
    'options.save': command({
      help: 'write the options that are not at their defaults to a file like config.yaml',
      arguments: [{ name: 'path', type: 'path' }],
      // Passwords may be among them.
      run: (path) => writeFile(path, textOf(options.definitions, options.snapshot), { mode: 0o600 }),
    }),
    'options.reset': command({
      help: 'bring the options back to their defaults, but for those that are read when midwire starts',
      arguments: [],
      run() {
        const names = Object.entries(options.definitions).filter(([, { fixed }]) => !fixed)
        options.set(Object.fromEntries(names.map(([name]) => [name, undefined])))
      },
    }),
    'proxyserver.active_connections': command({
      help: 'the number of client connections that are open',
      arguments: [],
      run: active,
    }),
    'view.flows.resolve': command({
      help: 'the ids of the flows that a filter, an id, @all or @marked choose',
      arguments: [{ name: 'flows', type: 'flows' }],
      run: (flows) => flows.map(({ id }) => id),
    }),
    'view.flows.remove': command({
      help: 'forget flows; those that run are ended first',
      arguments: [{ name: 'flows', type: 'flows' }],
      run: (flows) => proxy.remove(flows),
    }),
    'view.flows.duplicate': command({
      help: 'record copies of flows, with ids of their own, which are the result',
      arguments: [{ name: 'flows', type: 'flows' }],
      run: (flows) => proxy.duplicate(flows).map(({ id }) => id),
    }),
    'view.clear': command({
      help: 'forget all recorded flows',
      arguments: [],
      run: () => proxy.clear(),
    }),
    'script.run': command({
      help: 'run the hooks of a script for flows, as if these happened now',
      arguments: [
        { name: 'flows', type: 'flows' },
        { name: 'path', type: 'path' },
      ],
      run: (flows, path) => runScript(proxy, flows, path),
    }),
  }
}

/** midwire's own commands and those of these scripts, for lists of commands. None of them can be called. Throws ERR_SCRIPT and ERR_COMMAND. */
export async function commandInfos(scripts: readonly string[] = []): Promise<CommandInfo[]> {
  const commands = new Commands(() => [])
  commands.define(ownCommands({} as Midwire, () => 0, new Backups()))
  for (const addon of await loadScripts(scripts)) commands.define(addon.commands ?? {})
  return commands.list()
}

async function optionsOf(path: string): Promise<GivenOptions> {
  const { size } = await stat(path)
  if (size > MAX_OPTIONS) throw wrong(`${path} has ${size} bytes, more than ${MAX_OPTIONS}`)
  const { parse } = await import('yaml')
  let values: unknown
  try {
    values = parse(await readFile(path, 'utf8'), { maxAliasCount: 0 }) ?? {}
  } catch (cause) {
    throw new MidwireError('ERR_OPTION', `${path}: ${(cause as Error).message.split('\n')[0]}`, { cause })
  }
  if (typeof values !== 'object' || Array.isArray(values)) throw wrong(`${path}: options are lines \`name: value\``)
  return Object.fromEntries(Object.entries(values as GivenOptions).filter(([name]) => !FOREIGN.has(name)))
}

/** JSON is YAML, so each value stands as JSON behind its name. */
function textOf(
  definitions: Readonly<Record<string, OptionDefinition>>,
  snapshot: Record<string, OptionValue>,
): string {
  const defaults = new OptionStore()
  defineOf(defaults, {
    options: Object.fromEntries(Object.entries(definitions).filter(([name]) => !(name in defaults.definitions))),
  })
  return Object.entries(snapshot)
    .filter(([name, value]) => !sameValue(value, defaults.snapshot[name]))
    .map(([name, value]) => `${name}: ${JSON.stringify(Array.isArray(value) ? value.map(written) : value)}\n`)
    .join('')
}

const written = (value: string | RegExp) => (value instanceof RegExp ? value.source : value)

async function runScript(proxy: Midwire, flows: readonly AnyFlow[], path: string): Promise<void> {
  const dispatcher = new Dispatcher((level, message) => proxy.log(level, message))
  const addons = await loadScripts([path])
  for (const addon of addons) {
    dispatcher.add(addon)
    dispatcher.load(proxy, addon)
  }
  const options = proxy.options.snapshot
  dispatcher.configure({ options, changed: new Set(Object.keys(options)) } satisfies ConfigureHook)
  for (const flow of flows) {
    if (flow.type === 'dns') {
      await dispatcher.run('dns_request', flow)
      if (flow.response) await dispatcher.run('dns_response', flow)
    } else if (flow.type === 'tcp') {
      await dispatcher.run('tcp_start', flow)
      for (flow.last of [...flow.messages]) await dispatcher.run('tcp_message', flow)
      await dispatcher.run(flow.error ? 'tcp_error' : 'tcp_end', flow)
    } else if (flow.type === 'udp') {
      await dispatcher.run('udp_start', flow)
      for (flow.last of [...flow.messages]) await dispatcher.run('udp_message', flow)
      await dispatcher.run(flow.error ? 'udp_error' : 'udp_end', flow)
    } else {
      await dispatcher.run('requestheaders', flow)
      await dispatcher.run('request', flow)
      if (flow.response) await dispatcher.run('responseheaders', flow)
      if (flow.error) await dispatcher.run('error', flow)
      else if (flow.response) await dispatcher.run('response', flow)
    }
  }
  await dispatcher.run('done', undefined)
  proxy.update(flows)
}

const wrong = (text: string) => new MidwireError('ERR_OPTION', text)
