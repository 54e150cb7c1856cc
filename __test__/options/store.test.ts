// The store of options: what is defined, what is given before it is, changes that are all or nothing, and snapshots.
import test, { type ExecutionContext } from 'ava'
import { MidwireError } from '../../src/errors.js'
import { HOOK_NAMES } from '../../src/hooks.js'
import {
  type GivenOptions,
  OPTIONS,
  type OptionDefinition,
  type OptionDefinitions,
} from '../../src/options/definitions.js'
import { FOREIGN } from '../../src/options/foreign.js'
import { OptionStore } from '../../src/options/store.js'

const MINE = { my_header: { type: 'string', default: 'X-Debug', help: 'the header' } } as const

function begun(given: GivenOptions = {}): OptionStore {
  const store = new OptionStore()
  store.update(given)
  store.begin()
  return store
}

function refused(t: ExecutionContext, call: () => unknown, message: RegExp) {
  const error = t.throws(call, { instanceOf: MidwireError, code: 'ERR_OPTION' })
  t.regex(error?.message ?? '', message)
  t.notRegex(error?.message ?? '', /[\n\r]/)
}

test('a change makes a new snapshot; the one before stays as it was, and neither can be written', (t) => {
  const store = begun({ flow_detail: 2 })
  const before = store.snapshot
  store.update({ flow_detail: 3, ignore_hosts: 'a' })
  t.is(before.flow_detail, 2)
  t.is(store.snapshot.flow_detail, 3)
  t.is(store.snapshot.tcp_timeout, 600)
  t.true(Object.isFrozen(store.snapshot))
  t.true(Object.isFrozen(store.snapshot.ignore_hosts))
})

test('an update is all or nothing', (t) => {
  const store = begun()
  const before = store.snapshot
  let told = 0
  store.subscribe(undefined, () => {
    told += 1
  })
  refused(t, () => store.update({ flow_detail: 3, tcp_timeout: 'soon' }), /^tcp_timeout: "soon" is not a whole number/)
  refused(
    t,
    () => store.update({ flow_detail: 3, tcp_timeuot: 1 }),
    /^unknown option `tcp_timeuot`, did you mean `tcp_/,
  )
  refused(t, () => store.update({ allow_hosts: 'a', ignore_hosts: 'b' }), /exclude each other/)
  t.is(store.snapshot, before)
  t.is(told, 0)
})

test('what has to fit together is looked at with what was there before', (t) => {
  const store = begun({ ignore_hosts: 'a' })
  refused(t, () => store.update({ allow_hosts: 'b' }), /^allow_hosts and ignore_hosts exclude each other/)
  store.update({ allow_hosts: 'b', ignore_hosts: [] })
  t.is(store.snapshot.allow_hosts.length, 1)
  refused(t, () => store.update({ tls_version_server_min: 'TLS1_3', tls_version_server_max: 'TLS1_2' }), /is TLS1_2$/)
})

test('empty means the default, and toggle the opposite of what is', (t) => {
  const store = begun({ ssl_insecure: true, tcp_timeout: 5 })
  store.update({ ssl_insecure: 'toggle', tcp_timeout: '' })
  t.like(store.snapshot, { ssl_insecure: false, tcp_timeout: 600 })
})

test('what is read at the start cannot be changed later, but said again', (t) => {
  const store = new OptionStore()
  store.update({ scripts: 'a.js' })
  store.update({ scripts: ['a.js', 'b.js'] })
  store.begin()
  store.update({ scripts: ['a.js', 'b.js'], listen_host: '' })
  refused(
    t,
    () => store.update({ flow_detail: 4, scripts: 'a.js' }),
    /^scripts is read when midwire starts: start it anew/,
  )
  t.is(store.snapshot.flow_detail, 1)
  const fixed = Object.entries<OptionDefinition>(OPTIONS).filter(([, one]) => one.fixed)
  t.deepEqual(
    fixed.map(([name]) => name),
    [
      ...['server', 'listen_host', 'listen_port', 'scripts', 'endpoint', 'congestion', 'tcp_buffer'],
      ...[
        'wireguard_subnet',
        'store_disk',
        'rfile',
        'redact',
        'onboarding_host',
        'pcap_file',
        'web_host',
        'web_port',
        'web_open_browser',
        'web_password',
      ],
    ],
  )
})

test('listeners hear of what they asked for, once, in their order, until they leave', (t) => {
  const store = begun()
  const heard: string[] = []
  const leave = store.subscribe(['flow_detail', 'showhost'], ({ flow_detail }, changed) => {
    heard.push(`one ${flow_detail} ${[...changed]}`)
  })
  store.subscribe(undefined, (_, changed) => heard.push(`all ${[...changed]}`))
  store.update({ flow_detail: 2, showhost: false, tcp_timeout: 600 })
  store.update({ flow_detail: 2, ignore_hosts: [] })
  store.update({ tcp_timeout: 7 })
  leave()
  store.update({ flow_detail: 3 })
  t.deepEqual(heard, ['one 2 flow_detail,showhost', 'all flow_detail,showhost', 'all tcp_timeout', 'all flow_detail'])
  refused(t, () => store.subscribe(['flow_detial'], () => {}), /did you mean `flow_detail`/)
})

test('a list of the same expressions is no change, one of others is', (t) => {
  const store = begun({ ignore_hosts: ['a', 'b'] })
  const lists: number[] = []
  store.subscribe(['ignore_hosts'], ({ ignore_hosts }) => lists.push(ignore_hosts.length))
  store.update({ ignore_hosts: ['a', 'b'] })
  store.update({ ignore_hosts: [/a/i, /b/i] })
  t.deepEqual(lists, [])
  store.update({ ignore_hosts: [/a/, /b/i] })
  store.update({ ignore_hosts: ['a'] })
  t.deepEqual(lists, [2, 1])
})

test('a listener that refuses: nothing has changed, and all that were told before are told of it', (t) => {
  const store = begun()
  const before = store.snapshot
  const heard: string[] = []
  store.subscribe(undefined, ({ flow_detail }) => heard.push(`first ${flow_detail}`))
  store.subscribe(undefined, ({ flow_detail }) => {
    heard.push(`second ${flow_detail}`)
    if (flow_detail === 4) throw new RangeError('too much')
  })
  store.subscribe(undefined, ({ flow_detail }) => heard.push(`third ${flow_detail}`))
  t.throws(() => store.update({ flow_detail: 4 }), { instanceOf: RangeError, message: 'too much' })
  t.is(store.snapshot, before)
  t.deepEqual(heard, ['first 4', 'second 4', 'first 1', 'second 1'])
  store.update({ flow_detail: 3 })
  t.deepEqual(heard.slice(4), ['first 3', 'second 3', 'third 3'])
})

test('options cannot be changed while a change is told', (t) => {
  const store = begun()
  store.subscribe(['flow_detail'], () => store.update({ tcp_timeout: 1 }))
  refused(t, () => store.update({ flow_detail: 2 }), /do it later$/)
  t.like(store.snapshot, { flow_detail: 1, tcp_timeout: 600 })
})

test('values for names that nobody has defined yet wait, and count once they are', (t) => {
  const store = new OptionStore()
  store.update({ my_header: 'X-Early', my_count: '7' })
  t.false('my_header' in store.snapshot)
  store.define('addon a', MINE)
  t.is(store.snapshot.my_header, 'X-Early')
  store.define('addon b', { my_count: { type: 'integer', default: 1, range: [0, 9], help: '' } })
  t.is(store.snapshot.my_count, 7)
  store.begin()
  store.update({ my_header: 'X-Late' })
  t.is(store.snapshot.my_header, 'X-Late')
})

test('a value that waited and is wrong, or that nobody has defined, is an error', (t) => {
  const wrong = new OptionStore()
  wrong.update({ my_count: 'many' })
  const count: OptionDefinitions = { my_count: { type: 'integer', default: 1, help: '' } }
  refused(t, () => wrong.define('addon a', { ...MINE, ...count }), /^my_count: "many" is not a whole number/)
  t.false('my_header' in wrong.snapshot)
  const typo = new OptionStore()
  typo.update({ my_haeder: 'X' })
  typo.define('addon a', MINE)
  refused(t, () => typo.begin(), /^unknown option `my_haeder`, did you mean `my_header`\?$/)
  const foreign = new OptionStore()
  foreign.update({ web_theme: 1 })
  refused(
    t,
    () => foreign.begin(),
    /^there is no option `web_theme`: mitmweb's page has this option, and midwire's has not$/,
  )
})

test("an addon may define an option of mitmproxy's that midwire does not have", (t) => {
  const store = new OptionStore()
  store.update({ command_history: true })
  store.define('addon a', { command_history: { type: 'boolean', default: false, help: '' } })
  store.begin()
  t.is(store.snapshot.command_history, true)
})

test('what is taken away is gone, with its value', (t) => {
  const store = begun()
  const undefine = store.define('addon a', MINE)
  store.update({ my_header: 'X-Mine' })
  undefine()
  t.false('my_header' in store.snapshot)
  t.false('my_header' in store.definitions)
  refused(t, () => store.update({ my_header: 'X' }), /^unknown option `my_header`/)
  store.define('addon b', { my_header: { ...MINE.my_header } })
  undefine()
  t.is(store.snapshot.my_header, 'X-Debug')
})

test('definitions that are none are refused, with the addon and what they should be', (t) => {
  const cases: [OptionDefinitions, RegExp][] = [
    [{ flow_detail: MINE.my_header }, /^addon a defines the option `flow_detail`, which midwire has defined already$/],
    [{ '1st': MINE.my_header }, /^option `1st` of addon a: a name has letters/],
    [{ x: 7 as never }, /^option `x` of addon a: a definition is \{ type: 'string'/],
    [{ x: null as never }, /a definition is/],
    [{ x: { ...MINE.my_header, type: 'text' as never } }, /the types are boolean, integer/],
    [
      { x: { type: 'boolean', default: undefined, help: '' } },
      /^option `x` of addon a, its default: undefined is not true/,
    ],
    [{ x: { type: 'integer', default: 'x', help: '' } }, /its default: "x" is not a whole/],
    [{ x: { type: 'choice', default: 'a', help: '' } }, /a choice has `choices`/],
    [{ x: { type: 'choice', default: 'a', choices: ['b'], help: '' } }, /its default: "a" is not one of b/],
  ]
  for (const [definitions, said] of cases) {
    const store = begun()
    refused(t, () => store.define('addon a', { ...MINE, ...definitions }), said)
    t.false('my_header' in store.snapshot)
  }
})

test('every type there is can be defined', (t) => {
  const store = begun()
  store.define('addon a', {
    a: { type: 'boolean', default: false, help: '' },
    b: { type: 'integer', default: undefined, range: [-5, 5], help: '' },
    c: { type: 'size', default: '1k', help: '' },
    d: { type: 'strings', default: [], help: '' },
    e: { type: 'regexps', default: ['x'], help: '' },
    f: { type: 'choice', choices: ['one', 'two'], default: 'one', help: '' },
    g: { type: 'path', default: undefined, help: '' },
  })
  store.update({ a: 'toggle', b: '-3', c: '2k', d: 'x', f: 'two', g: '/p' })
  t.like(store.snapshot, { a: true, b: -3, c: 2048, d: ['x'], f: 'two', g: '/p' })
})

test('what midwire has is not said to be missing', (t) => {
  t.deepEqual(
    [...FOREIGN.keys()].filter((name) => Object.hasOwn(OPTIONS, name)),
    [],
  )
  t.true(HOOK_NAMES.includes('configure'))
})
