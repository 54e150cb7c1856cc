// Addons that exist only while an option has a value: added, replaced and removed, in their place among the others.
import test from 'ava'
import type { ByOption } from '../../src/addons/by-option.js'
import { command } from '../../src/commands.js'
import type { Addon } from '../../src/hooks.js'
import type { GivenOptions, OptionSnapshot } from '../../src/options/definitions.js'
import { readOptions } from '../../src/options/read.js'
import { Commands } from '../../src/proxy/commands.js'
import { Dispatcher, FIRST_RANK } from '../../src/proxy/dispatch.js'
import { OptionAddons } from '../../src/proxy/option-addons.js'
import { Views } from '../../src/views/render.js'
import { surroundings } from '../support/surroundings.js'

const optionsOf = (given: GivenOptions) => readOptions(given) as OptionSnapshot

function setUp() {
  const ran: string[] = []
  const made: string[] = []
  const noting = (name: string): Addon => ({ name, running: () => void ran.push(name) })
  const telling = (name: string) => command({ help: 'tells a value', arguments: [], run: () => name })
  const make = (name: string) => (value: unknown) => {
    if (value === 'bad') throw new Error(`${name} is bad`)
    made.push(`${name}=${value}`)
    return { ...noting(`${name}=${value}`), commands: { [`${name}.tell`]: telling(`${value}`) } }
  }
  const list = [
    { option: 'dumper_filter', make: make('dumper_filter') },
    { option: 'dns_name_servers', make: make('dns_name_servers') },
  ] as unknown as ByOption[]
  const dispatcher = new Dispatcher(() => {})
  const commands = new Commands(() => [])
  const views = new Views()
  const addons = new OptionAddons(dispatcher, { commands, views }, surroundings, list)
  const order = () => {
    ran.length = 0
    dispatcher.run('running', undefined)
    return ran.slice()
  }
  return { dispatcher, commands, addons, order, made, noting, telling }
}

test('an addon is there while its option has a value, between the built-in ones and those of users', (t) => {
  const { dispatcher, addons, order, noting } = setUp()
  addons.follow(optionsOf({}))
  t.false(dispatcher.wants('running'))
  dispatcher.add(noting('block'), FIRST_RANK)
  dispatcher.add(noting('user'))
  addons.follow(optionsOf({ dns_name_servers: '192.0.2.1' }))
  dispatcher.add(noting('late user'))
  const [one] = addons.follow(optionsOf({ dns_name_servers: '192.0.2.1', dumper_filter: 'a' }))
  t.is(one?.name, 'dumper_filter=a', 'that alone has come')
  t.deepEqual(order(), ['block', 'dumper_filter=a', 'dns_name_servers=192.0.2.1', 'user', 'late user'])
  addons.follow(optionsOf({ dumper_filter: 'b' }))
  t.deepEqual(order(), ['block', 'dumper_filter=b', 'user', 'late user'])
  addons.follow(optionsOf({}))
  t.deepEqual(order(), ['block', 'user', 'late user'])
})

test('a bad value changes nothing', (t) => {
  const { addons, order } = setUp()
  addons.follow(optionsOf({ dumper_filter: 'a' }))
  t.throws(() => addons.follow(optionsOf({ dumper_filter: 'bad', dns_name_servers: '192.0.2.1' })), {
    message: 'dumper_filter is bad',
  })
  t.deepEqual(order(), ['dumper_filter=a'])
})

test('an update that is refused later takes the old addon again; the same value given anew is read anew', async (t) => {
  const { addons, order, made } = setUp()
  addons.follow(optionsOf({ dumper_filter: 'a' }))
  addons.follow(optionsOf({ dumper_filter: 'b' }))
  addons.follow(optionsOf({ dumper_filter: 'a' }))
  t.deepEqual(order(), ['dumper_filter=a'])
  t.deepEqual(made, ['dumper_filter=a', 'dumper_filter=b'])
  await Promise.resolve()
  addons.follow(optionsOf({ dumper_filter: 'b' }))
  await Promise.resolve()
  addons.follow(optionsOf({ dumper_filter: 'a' }))
  t.deepEqual(made.slice(2), ['dumper_filter=b', 'dumper_filter=a'])
})

test('the commands of an addon are there while the addon is', async (t) => {
  const { addons, commands } = setUp()
  const names = () => commands.list().map(({ name }) => name)
  addons.follow(optionsOf({ dumper_filter: 'a' }))
  t.is(await commands.call('dumper_filter.tell'), 'a')
  addons.follow(optionsOf({ dumper_filter: 'b', dns_name_servers: '192.0.2.1' }))
  t.is(await commands.call('dumper_filter.tell'), 'b')
  t.deepEqual(names(), ['dns_name_servers.tell', 'dumper_filter.tell'])
  addons.follow(optionsOf({}))
  t.deepEqual(names(), [])
})

test("a command that a user's addon has taken refuses the option, and nothing changes", async (t) => {
  const { addons, commands, order, telling } = setUp()
  addons.follow(optionsOf({ dumper_filter: 'a' }))
  commands.define({ 'dns_name_servers.tell': telling('user') })
  const refused = () => addons.follow(optionsOf({ dumper_filter: 'b', dns_name_servers: '192.0.2.1' }))
  t.throws(refused, { code: 'ERR_COMMAND', message: /dns_name_servers\.tell/ })
  t.deepEqual(order(), ['dumper_filter=a'])
  t.is(await commands.call('dumper_filter.tell'), 'a')
  t.is(await commands.call('dns_name_servers.tell'), 'user')
})
