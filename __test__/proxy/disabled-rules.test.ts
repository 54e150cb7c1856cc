// The option `disabled_rules`: which rules are left, what is refused, and rules that are switched off and on while the proxy runs.
import test from 'ava'
import { withoutDisabled } from '../../src/proxy/disabled-rules.js'
import { get, startProxy } from '../support/proxy.js'
import { dial, listen } from '../support/talk.js'

test('rules are named by what they say, or by their number, and all others stay', (t) => {
  const enabled = withoutDisabled(['map_local:2', 'block_list:/~d a/404', 'map_local:9', 'throttle:gone'])
  t.deepEqual(enabled('map_local', ['a', 'b', 'c']), ['a', 'c'])
  t.deepEqual(enabled('block_list', ['/~d a/404', '/~d b/404', '/~d a/404']), ['/~d b/404'])
  t.deepEqual(enabled('throttle', ['3g']), ['3g'])
  t.deepEqual(enabled('modify_body', ['x']), ['x'])
  t.is(enabled('anticache', true), true)
  t.is(enabled('map_remote', undefined), undefined)
})

test('an entry that names no option with rules is refused', (t) => {
  const refused = (entry: string, message: RegExp) =>
    t.throws(() => withoutDisabled([entry]), { code: 'ERR_OPTION', message })
  refused('map_locl:1', /^disabled_rules: "map_locl:1" .*did you mean map_local:\.\.\.\?$/)
  refused('anticache:1', /the options with rules are modify_headers, /)
  refused('map_local', /OPTION:NUMBER/)
})

test('a rule is switched off and on again while the proxy runs, and stays in its option', async (t) => {
  const server = await listen(t, (talk) =>
    talk.says('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
  )
  const rules = ['/~u one/404', '/~u two/410']
  const { proxy, port } = await startProxy(t, { options: { block_list: rules, disabled_rules: ['block_list:2'] } })
  const status = async (path: string) => {
    const talk = await dial(t, port)
    talk.says(get(server.port, path))
    return (await talk.hears('\r\n\r\n')).slice(9, 12)
  }
  t.deepEqual([await status('/one'), await status('/two')], ['404', '200'])
  proxy.options.set({ disabled_rules: [`block_list:${rules[0]}`] })
  t.deepEqual([await status('/one'), await status('/two')], ['200', '410'])
  proxy.options.set({ disabled_rules: ['block_list:1', 'block_list:2'] })
  t.deepEqual([await status('/one'), await status('/two')], ['200', '200'])
  t.deepEqual(proxy.options.get('block_list'), rules)
  t.throws(() => proxy.options.set({ disabled_rules: ['nonsense:1'] }), { code: 'ERR_OPTION' })
  t.deepEqual(proxy.options.get('disabled_rules'), ['block_list:1', 'block_list:2'])
  proxy.options.set({ disabled_rules: [] })
  t.deepEqual([await status('/one'), await status('/two')], ['404', '410'])
})

test('a way out is switched off alone, and the next one counts; its file is looked for once it is switched on', async (t) => {
  const server = await listen(t, (talk) =>
    talk.says('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
  )
  const nobody = 'socks5://127.0.0.1:1'
  const { proxy, port } = await startProxy(t, {
    options: { via: ['wireguard:/gone.conf', nobody], disabled_rules: ['via:1', `via:${nobody}`] },
  })
  const status = async () => {
    const talk = await dial(t, port)
    talk.says(get(server.port, '/'))
    return (await talk.hears('\r\n\r\n')).slice(9, 12)
  }
  t.is(await status(), '200')
  proxy.options.set({ disabled_rules: ['via:1'] })
  t.is(await status(), '502')
  t.throws(() => proxy.options.set({ disabled_rules: [] }), { message: /gone\.conf/ })
  t.is(await status(), '502')
  proxy.options.set({ disabled_rules: ['via:1', 'via:2'] })
  t.is(await status(), '200')
})
