// The command line: what each flag says, mitmdump's spellings, and how what is wrong is refused.
import test from 'ava'
import { parseArguments } from '../../src/cli/arguments.js'
import { FLAGS } from '../../src/cli/flags.js'
import { helpText, optionsText } from '../../src/cli/help.js'
import { MidwireError, modeInfos, OPTIONS } from '../../src/index.js'

const given = (...argv: string[]) =>
  Object.fromEntries([...parseArguments(argv).given].map(([name, { value }]) => [name, value]))

function refused(t: import('ava').ExecutionContext, argv: string[], said: RegExp) {
  const error = t.throws(() => parseArguments(argv), { instanceOf: MidwireError })
  t.is(error?.code, 'ERR_ARGUMENT')
  t.regex(error?.message ?? '', said)
}

test("mitmdump's flags", (t) => {
  t.deepEqual(
    given('-m', 'wireguard', '--mode', 'regular@8888', '-p', '8081', '--listen-host=::1', '-s', 'a.ts', '-sb.ts', '-k'),
    {
      mode: ['wireguard', 'regular@8888'],
      listen_port: '8081',
      listen_host: '::1',
      scripts: ['a.ts', 'b.ts'],
      ssl_insecure: true,
    },
  )
  t.deepEqual(given('--ignore-hosts', 'a', '--ignore-hosts', 'b', '--flow-detail', '3', '--no-rawtcp', '--showhost'), {
    ignore_hosts: ['a', 'b'],
    flow_detail: '3',
    rawtcp: false,
    showhost: true,
  })
})

test('flags of its own, and --set in their order', (t) => {
  const args = parseArguments(['-qv', '--json', '--confdir', '/c', '--set', 'a=1', '--no-color', '--set=b', '~d', 'x'])
  t.like(args, { quiet: true, verbose: true, json: true, confdir: '/c', color: false, help: false })
  t.deepEqual(args.sets, ['a=1', 'b'])
  t.deepEqual(args.words, ['~d', 'x'])
  t.is(parseArguments([]).color, undefined)
})

test('every option is a flag; the last one counts', (t) => {
  t.deepEqual(given('--tcp-timeout', '60', '--tcp-timeout=70'), { tcp_timeout: '70' })
  t.deepEqual(given('--showhost', '--no-showhost'), { showhost: false })
  const missing = Object.keys(OPTIONS).filter((name) => !FLAGS.some(({ option }) => option === name))
  t.deepEqual(missing, [])
})

test('--via behind a --mode is the way of that mode; elsewhere, and with a filter, it is the option', (t) => {
  t.deepEqual(
    given('--via', 'direct', '-m', 'regular', '--via', 'socks5://a,http://b', '-m', 'socks5', '--via=[::1]:1'),
    {
      via: ['direct'],
      mode: ['regular via socks5://a,http://b', 'socks5 via [::1]:1'],
    },
  )
  t.deepEqual(given('-m', 'regular', '--via', '/~d a/direct', '--via', 'http://b'), {
    mode: ['regular'],
    via: ['/~d a/direct', 'http://b'],
  })
  t.deepEqual(given('-m', 'regular', '-k', '--via', 'http://b'), {
    mode: ['regular'],
    ssl_insecure: true,
    via: ['http://b'],
  })
  t.is(parseArguments(['-m', 'regular', '--via', 'a']).given.get('mode')?.flag, '-m')
  refused(t, ['--via'], /^--via wants a value: --via WAY$/)
})

test('no flag is there twice', (t) => {
  const names = FLAGS.flatMap(({ long, short, negatable }) => [long, short, negatable ? `no-${long}` : undefined])
  const all = names.filter((name) => name !== undefined)
  t.is(new Set(all).size, all.length)
})

test('a value may begin with a dash when it is written with =', (t) => {
  t.deepEqual(given('--listen-host=-x'), { listen_host: '-x' })
  refused(t, ['-m', '--json'], /^-m wants a value: -m SPEC$/)
  refused(t, ['--confdir'], /^--confdir wants a value: --confdir DIR$/)
})

test('what stands after -- is no flag', (t) => {
  t.deepEqual(parseArguments(['--', '-q']).words, ['-q'])
})

test('an unknown flag is refused with the nearest one', (t) => {
  refused(t, ['--listen-prot', '1'], /^unknown flag --listen-prot, did you mean --listen-port\?$/)
  refused(t, ['--ssl_insecure'], /did you mean --ssl-insecure\?/)
  refused(t, ['--no-shwohost'], /did you mean --no-showhost\?/)
  refused(t, ['-z'], /^unknown flag -z, `midwire --help` lists them$/)
  refused(t, ['--no-json'], /unknown flag --no-json/)
})

test('-n and --no-server: nothing listens', (t) => {
  t.deepEqual(given('-n'), { server: false })
  t.deepEqual(given('--no-server'), { server: false })
})

test('a switch takes no value, but an option that is one may be told', (t) => {
  refused(t, ['--json=yes'], /^--json takes no value$/)
  refused(t, ['--no-showhost=false'], /takes no value$/)
  t.deepEqual(given('--ssl-insecure=false'), { ssl_insecure: 'false' })
})

test('--help has each mode and each flag that people need, in lines of a readable width', (t) => {
  const help = helpText()
  for (const { name, defaultPort } of modeInfos()) t.true(help.includes(name) && help.includes(`${defaultPort}`), name)
  for (const flag of [
    '--set',
    '--mode',
    '--confdir',
    '--json',
    '--[no-]ssl-insecure',
    '--scripts',
    'demo',
    'wg show',
    'ca show',
  ]) {
    t.true(help.includes(flag), flag)
  }
  t.deepEqual(
    help.split('\n').filter((line) => line.length > 110),
    [],
  )
})

test('--options has every option with its type, default and help', (t) => {
  const text = optionsText()
  for (const [name, { help }] of Object.entries(OPTIONS)) {
    t.regex(text, new RegExp(`^${name} \\(.+; default .+\\)\\n {4}\\S`, 'm'))
    t.true(text.includes(help))
  }
  t.regex(text, /^flow_detail \(integer, 0 to 4; default 1\)$/m)
  t.regex(text, /^connection_strategy \(eager \| lazy; default eager\)$/m)
})
