// Options as texts, values and files give them: what is read, and how what is wrong is refused.
import { homedir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { MidwireError, nearest } from '../../src/errors.js'
import { OPTIONS } from '../../src/options/definitions.js'
import { parseOption, readOptions } from '../../src/options/read.js'

function refused(t: ExecutionContext, read: () => unknown, said: RegExp) {
  const error = t.throws(read, { instanceOf: MidwireError })
  t.is(error?.code, 'ERR_OPTION')
  t.regex(error?.message ?? '', said)
  t.notRegex(error?.message ?? '', /[\n\r]/)
}

test('with nothing given, every option has a value of its type', (t) => {
  const options = readOptions()
  t.deepEqual(Object.keys(options), Object.keys(OPTIONS))
  t.is(options.body_record_limit, 1024 ** 2)
  t.is(options.body_size_limit, undefined)
  t.is(options.flow_detail, 1)
  t.is(options.listen_host, '')
  t.deepEqual(options.mode, [])
  t.true(options.block_global)
})

test('values of their own types are taken as they are', (t) => {
  const hosts = [/example\.org/]
  const given = { flow_detail: 3, ssl_insecure: true, ignore_hosts: hosts, mode: ['regular@0'], body_record_limit: 10 }
  const options = readOptions(given)
  t.like(options, { ...given, mode: ['regular@0'], ignore_hosts: options.ignore_hosts })
  t.is(String(options.ignore_hosts[0]), String(hosts[0]))
  t.is(
    readOptions({ ignore_hosts: options.ignore_hosts }).ignore_hosts[0],
    options.ignore_hosts[0],
    'once it is bounded',
  )
})

test('an empty text, null and undefined mean the default', (t) => {
  for (const empty of ['', undefined, null]) {
    t.is(parseOption('tcp_timeout', empty), 600)
    t.deepEqual(parseOption('scripts', empty), [])
    t.is(parseOption('block_global', empty), true)
    t.is(parseOption('endpoint', empty), undefined)
  }
})

test('booleans: true, false and toggle', (t) => {
  t.true(parseOption('ssl_insecure', 'true'))
  t.false(parseOption('ssl_insecure', 'False'))
  t.true(parseOption('ssl_insecure', 'toggle'))
  t.false(parseOption('ssl_insecure', 'toggle', 'ssl_insecure', true))
  for (const wrong of ['yes', '1', 1, [], {}]) {
    refused(t, () => parseOption('ssl_insecure', wrong), /^ssl_insecure: .* is not true, false or toggle$/)
  }
})

test('integers have a range', (t) => {
  t.is(parseOption('listen_port', '0'), 0)
  t.is(parseOption('listen_port', 65_535), 65_535)
  for (const wrong of ['-1', '65536', '1e3', '0x50', '1.5', ' 1', 1.5, Number.NaN, -1, true, [1], '9'.repeat(400)]) {
    refused(t, () => parseOption('listen_port', wrong), /^listen_port: .* is not a whole number from 0 to 65535$/)
  }
})

test('sizes: bytes, and powers of 1024', (t) => {
  t.is(parseOption('body_size_limit', '10'), 10)
  t.is(parseOption('body_size_limit', 10), 10)
  t.is(parseOption('body_size_limit', '3k'), 3072)
  t.is(parseOption('body_size_limit', '2M'), 2 * 1024 ** 2)
  t.is(parseOption('body_size_limit', '1g'), 1024 ** 3)
  t.is(parseOption('body_size_limit', '1t'), 1024 ** 4)
  t.is(parseOption('tcp_buffer', '16m'), 16 * 1024 ** 2)
  for (const wrong of ['17m', '63k'])
    refused(
      t,
      () => parseOption('tcp_buffer', wrong),
      /^tcp_buffer: .* is not a number of bytes from 65536 to 16777216/,
    )
  for (const wrong of ['1kb', 'k', '-1', '1.5m', '999999999999999t', -1, 1.5, true, [1], Number.NaN]) {
    refused(t, () => parseOption('body_size_limit', wrong), /^body_size_limit: .* is not a number of bytes/)
  }
})

test('choices name what can be chosen', (t) => {
  t.is(parseOption('connection_strategy', 'lazy'), 'lazy')
  refused(t, () => parseOption('connection_strategy', 'late'), /"late" is not one of eager, lazy/)
})

test('lists: one is a list of one', (t) => {
  t.deepEqual(parseOption('mode', 'regular'), ['regular'])
  t.deepEqual(parseOption('mode', ['regular', '', 'wireguard']), ['regular', 'wireguard'])
  refused(t, () => parseOption('mode', [{ regular: true }]), /is not a text, or a list of texts$/)
  refused(t, () => parseOption('mode', { a: 1 }), /is not a text/)
})

test('regular expressions search without regard to case', (t) => {
  const [first, second] = parseOption('ignore_hosts', ['example', '(?i)TEST']) as RegExp[]
  t.true(first?.test('www.EXAMPLE.org:443'))
  t.true(second?.test('test'))
  const [evil, own] = parseOption('ignore_hosts', ['(a+)+$', /^(A|A)*$/]) as RegExp[]
  t.is(
    'a'
      .repeat(50_000)
      .concat('!')
      .search(evil as RegExp),
    -1,
    'and end on any text',
  )
  t.is(
    'A'
      .repeat(50_000)
      .concat('!')
      .search(own as RegExp),
    -1,
  )
  t.is(own?.flags, '', 'one of a program keeps its flags')
  refused(t, () => parseOption('ignore_hosts', '(a+)+\\1'), /is not a regular expression: .*may take for ever/)
  refused(t, () => parseOption('ignore_hosts', '(a'), /^ignore_hosts: "\(a" is not a regular expression: Unterminated/)
})

test('~ is the home directory', (t) => {
  t.deepEqual(parseOption('scripts', ['~/a.ts', '/b.ts', 'c~.ts']), [join(homedir(), 'a.ts'), '/b.ts', 'c~.ts'])
  t.is(parseOption('ssl_verify_upstream_trusted_ca', '~/ca.pem'), join(homedir(), 'ca.pem'))
})

test('an unknown name is refused with the nearest one', (t) => {
  refused(t, () => readOptions({ flow_detial: 2 }), /^unknown option `flow_detial`, did you mean `flow_detail`\?$/)
  refused(t, () => parseOption('ssl-insecure', 'true'), /did you mean `ssl_insecure`\?/)
  refused(t, () => parseOption('toString', ''), /^unknown option `toString`, `midwire --options` lists/)
  refused(t, () => parseOption('__proto__', ''), /unknown option/)
  refused(t, () => parseOption('a\nb', ''), /unknown option `a\\nb`/)
})

test('what contradicts itself is refused', (t) => {
  refused(t, () => readOptions({ allow_hosts: 'a', ignore_hosts: 'b' }), /allow_hosts and ignore_hosts exclude/)
  const versions = { tls_version_client_min: 'TLS1_3', tls_version_client_max: 'TLS1_2' } as const
  refused(t, () => readOptions(versions), /tls_version_client_min is TLS1_3/)
  t.notThrows(() => readOptions({ tls_version_client_min: 'TLS1_3', tls_version_client_max: 'UNBOUNDED' }))
})

test('a value in an error is short', (t) => {
  const error = t.throws(() => parseOption('flow_detail', 'x'.repeat(10_000)))
  t.true((error?.message.length ?? 0) < 200)
})

test('the nearest name: a typing error away, and nothing where none is near', (t) => {
  const names = ['mode', 'set', 'listen-port', 'listen-host']
  t.is(nearest('mdoe', names), 'mode')
  t.is(nearest('listen-prot', names), 'listen-port')
  t.is(nearest('LISTEN-HOST', names), 'listen-host')
  t.is(nearest('banana', names), undefined)
  t.is(nearest('', names), undefined)
})
