// Which of config.yaml, --set and flags counts, and what --set's forms mean.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { parseArguments } from '../../src/cli/arguments.js'
import { placed, settle } from '../../src/cli/settings.js'
import { MidwireError } from '../../src/index.js'
import { parseViaRules } from '../../src/layers/via/rules.js'
import { parseSpec } from '../../src/modes/spec.js'

function confdir(t: ExecutionContext, config = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-settings-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  if (config !== '') writeFileSync(join(folder, 'config.yaml'), config)
  return folder
}

const options = async (folder: string, ...argv: string[]) =>
  (await settle(parseArguments(['--confdir', folder, ...argv]))).options

test('config.yaml, then --set, then flags', async (t) => {
  const folder = confdir(t, 'flow_detail: 2\ntcp_timeout: 20\nlisten_port: 2000\n')
  t.like(await options(folder), { flow_detail: 2, tcp_timeout: 20, listen_port: 2000, ssl_insecure: false })
  t.like(await options(folder, '-p', '4000', '--set', 'listen_port=3000', '--set', 'tcp_timeout=30'), {
    flow_detail: 2,
    tcp_timeout: 30,
    listen_port: 4000,
  })
})

test('lists: a --set takes the place of the file, further ones add; flags take the place of both', async (t) => {
  const folder = confdir(t, 'mode: [wireguard]\n')
  t.deepEqual((await options(folder)).mode, ['wireguard'])
  t.deepEqual((await options(folder, '--set', 'mode=a', '--set', 'mode=b')).mode, ['a', 'b'])
  t.deepEqual((await options(folder, '--set', 'mode=a', '--set', 'mode=')).mode, [])
  t.deepEqual((await options(folder, '--set', 'mode=a', '-m', 'c', '-m', 'd')).mode, ['c', 'd'])
})

test('booleans: --set NAME, =true, =false, =toggle, and nothing for the default', async (t) => {
  const folder = confdir(t, 'showhost: false\n')
  t.true((await options(folder, '--set', 'ssl_insecure')).ssl_insecure)
  t.true((await options(folder, '--set', 'showhost=toggle')).showhost)
  t.false((await options(folder, '--set', 'showhost=toggle', '--set', 'showhost=toggle')).showhost)
  t.true((await options(folder, '--set', 'showhost=')).showhost)
})

test('what is wrong is refused by the name under which it was given', async (t) => {
  const folder = confdir(t)
  const cases: [string[], RegExp][] = [
    [['--set', 'flow_detail=9'], /^--set flow_detail: "9" is not a whole number from 0 to 4$/],
    [['--flow-detail', '9'], /^--flow-detail: "9" is not/],
    [['-p', 'x'], /^-p: "x" is not/],
    [['--set', 'flow_detial=1'], /^unknown option `flow_detial`, did you mean `flow_detail`\?$/],
    [['--set', 'flow_detail'], /^--set flow_detail wants a value: --set flow_detail=VALUE$/],
    [['--set', '__proto__=1'], /^unknown option/],
  ]
  for (const [argv, message] of cases)
    await t.throwsAsync(options(folder, ...argv), { instanceOf: MidwireError, message })
})

test('names that scripts may define are kept where there are scripts, and are an error where there are none', async (t) => {
  const folder = confdir(t, 'flow_detail: 2\nmine: [a]\nother: 7\n')
  const settleWith = (...argv: string[]) => settle(parseArguments(['--confdir', folder, ...argv]))
  await t.throwsAsync(settleWith(), {
    code: 'ERR_OPTION',
    message: /config\.yaml:2: unknown option `mine`, `midwire --options`/,
  })
  const given = ['--set', 'mine=b', '--set', 'mine=c', '--set', 'flag', '--set', '__proto__=x']
  const { others, options } = await settleWith('-s', 'a.ts', ...given)
  t.deepEqual(Object.entries(others), [
    ['mine', ['b', 'c']],
    ['other', 7],
    ['flag', true],
    ['__proto__', 'x'],
  ])
  t.is(options.flow_detail, 2)
})

test("mitmproxy's options: a warning in its config.yaml, an error where one is set", async (t) => {
  const folder = confdir(t, 'web_debug: false\nflow_detail: 3\nflow_detial: 1\n')
  await t.throwsAsync(options(folder), { message: /config\.yaml:3: unknown option `flow_detial`, did you mean/ })
  const theirs = confdir(t, 'web_debug: false\nflow_detail: 3\n')
  const settings = await settle(parseArguments(['--confdir', theirs]))
  t.is(settings.options.flow_detail, 3)
  t.is(settings.warnings.length, 1)
  t.regex(
    settings.warnings[0] ?? '',
    /config\.yaml:1: web_debug is left out: mitmweb's page has this option, and midwire's has not$/,
  )
  await t.throwsAsync(options(theirs, '--set', 'web_debug=false'), {
    code: 'ERR_OPTION',
    message: "there is no option `web_debug`: mitmweb's page has this option, and midwire's has not",
  })
})

test('-q and -v, unless a flag says otherwise', async (t) => {
  const folder = confdir(t, 'flow_detail: 3\n')
  t.like(await options(folder, '-q'), { flow_detail: 0, termlog_verbosity: 'error' })
  t.like(await options(folder, '-v'), { flow_detail: 2, termlog_verbosity: 'debug' })
  t.like(await options(folder, '-q', '--flow-detail', '1'), { flow_detail: 1, termlog_verbosity: 'error' })
})

test('the conf dir: --confdir, or --set confdir as mitmproxy has it', async (t) => {
  const folder = confdir(t, 'flow_detail: 4\n')
  const settings = await settle(parseArguments(['--set', `confdir=${folder}`]))
  t.is(settings.confdir, folder)
  t.is(settings.options.flow_detail, 4)
})

test('the words of the command line are the filter', async (t) => {
  const folder = confdir(t, 'dumper_filter: ~tcp\n')
  t.is((await options(folder)).dumper_filter, '~tcp')
  const { options: given } = await settle(parseArguments(['--confdir', folder]), '~d a & ~m GET')
  for (const name of ['dumper_filter', 'readfile_filter', 'save_stream_filter'] as const) {
    t.is(given[name], '~d a & ~m GET', name)
  }
})

test('a wrong way is at the place of the mode or of the option that has it, and a wrong filter at that of its own option', (t) => {
  const places = new Map([
    ['mode', 'line 1'],
    ['via', 'line 2'],
    ['dumper_filter', 'line 3'],
  ])
  for (const [read, place] of [
    [() => parseSpec('regular via ftp://a'), 'line 1: via "ftp'],
    [() => parseViaRules(['ftp://a']), 'line 2: via entry 1, "ftp'],
    [() => parseViaRules(['/~zz/direct']), 'line 2: filter: via entry 1, '],
  ] as const) {
    const error = placed(t.throws(read, { any: true }), places) as Error
    t.true(error.message.startsWith(place), error.message)
  }
})
