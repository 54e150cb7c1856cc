// Commands in this process, with streams of their own: what they print where, and their exit codes.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { midwire } from '../../src/cli/command.js'
import { wantsColor } from '../../src/cli/streams.js'
import { FILTER_HELP, generatePrivateKey, parseFilter, publicKey } from '../../src/index.js'
import { parseViaRules } from '../../src/layers/via/rules.js'

function confdir(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-command-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

async function ran(argv: string[], terminal: { isTTY?: boolean; columns?: number } = {}) {
  let [out, err] = ['', '']
  const stdout = { write: (text: string | Uint8Array) => (out += text), ...terminal }
  const code = await midwire(argv, { stdout, stderr: { write: (text) => (err += text) }, env: {} })
  return { out, err, code }
}

async function refused(t: ExecutionContext, argv: string[], said: RegExp) {
  const { out, err, code } = await ran(argv)
  t.is(code, 2, argv.join(' '))
  t.is(out, '')
  t.regex(err, said)
  t.is(err.split('\n').length, 2)
}

test('--help, --version and --options end with 0', async (t) => {
  for (const argv of [['--help'], ['-h'], ['help']]) t.regex((await ran(argv)).out, /^midwire \[flags\] \[filter\]/)
  t.regex((await ran(['--version'])).out, /^midwire \d+\.\d+\.\d+ \(Node \d+/)
  t.regex((await ran(['--options'])).out, /^flow_detail /m)
  t.regex(
    (await ran(['--commands'])).out,
    /^flow\.mark FLOWS MARK\n {4}mark flows .*\n {4}FLOWS: flows\n {4}MARK: text$/m,
  )
  t.is((await ran(['--help'])).code, 0)
})

test('--options lists what scripts of the command line define, whatever is wrong in config.yaml', async (t) => {
  const folder = confdir(t)
  const script = join(folder, 'a.mjs')
  const options = "{ mine: { type: 'integer', range: [1, 9], default: 3, help: 'how many' } }"
  writeFileSync(script, `export const options = ${options}\nexport function request() {}`)
  writeFileSync(join(folder, 'config.yaml'), 'flow_detial: 1')
  for (const given of [
    ['-s', script],
    ['--set', `scripts=${script}`],
  ]) {
    const { out, code } = await ran(['--options', '--confdir', folder, ...given])
    t.is(code, 0)
    t.regex(out, /^flow_detail /m)
    t.true(out.endsWith('\nmine (integer, 1 to 9; default 3)\n    how many\n'))
  }
  t.notRegex((await ran(['--options'])).out, /^mine/m)
  const wrong = join(folder, 'b.mjs')
  writeFileSync(wrong, 'export const options = { mine: 7 }\nexport function request() {}')
  await refused(t, ['--options', '-s', wrong], /option `mine` of addon .*b\.mjs: a definition is/)
})

test('a command has help of its own, before and after it; a filter has the general one', async (t) => {
  const general = (await ran(['--help'])).out
  t.regex(general, /midwire help via, tls, rules, filter, files, views, web, mcp, run, show, replay/)
  for (const name of ['run', 'wg', 'ca', 'demo', 'show', 'transparent', 'cleanup']) {
    const { out, code } = await ran([name, '--help'])
    t.is(code, 0)
    t.regex(out, new RegExp(`^midwire ${name}`))
    t.is((await ran(['help', name])).out, out)
    t.not(out, general)
    t.true(out.split('\n').every((line) => line.length <= 142))
  }
  t.regex((await ran(['wg', 'show', '-h'])).out, /^Examples\n {2}midwire wg add laptop\n/m)
  t.is((await ran(['~d a', '--help'])).out, general)
  t.is((await ran(['version'])).out, (await ran(['--version'])).out)
  await refused(t, ['help', 'fliter'], /there is no help about fliter: did you mean filter\?/)
  await refused(t, ['help', 'toString'], /the topics are run, wg, ca, .*, filter, .*options/)
})

test('help via has every kind of way, and its examples are ways', async (t) => {
  const { out } = await ran(['help', 'via'])
  for (const way of ['direct', 'http://', 'https://', 'socks5://', 'socks4a://', 'wireguard:FILE'])
    t.true(out.includes(way), way)
  const examples = [...out.matchAll(/^ {2}midwire .*--via (?:'(.+?)'|(\S+))/gm)].map(
    ([, quoted, bare]) => quoted ?? bare ?? '',
  )
  t.is(examples.length, 4)
  t.is(parseViaRules(examples).length, 4)
  t.true(out.split('\n').every((line) => line.length <= 140))
})

test('help filter has every operator, and its examples are filters', async (t) => {
  const { out } = await ran(['help', 'filter'])
  for (const { term, help } of FILTER_HELP) t.true(out.includes(term) && out.includes(help.split(' ')[0] ?? ''), term)
  const examples = [...out.matchAll(/^ {2}midwire (?:'(.+?)'|(\w+))(?: {2}|$)/gm)].map(
    ([, quoted, word]) => quoted ?? word ?? '',
  )
  t.is(examples.length, 6)
  for (const example of examples) t.notThrows(() => parseFilter(example), example)
})

test('a word that is nearly a command is refused, with what was meant and how it is a filter; other words are filters', async (t) => {
  const cases = [
    ['wgg', 'wg'],
    ['c', 'ca'],
    ['ac', 'ca'],
    ['hlep', 'help'],
    ['verison', 'version'],
    ['wgg show', 'wg'],
  ] as const
  for (const [words, meant] of cases) {
    const [word] = words.split(' ')
    const said = `there is no command ${word}, did you mean midwire ${meant}\\? \\(if it is a filter, write '~u ${word}'\\)`
    await refused(t, words.split(' '), new RegExp(said))
  }
  const folder = confdir(t)
  for (const words of [['example'], ['cdn'], ['webpack'], ['wgg', 'other'], ['~u wgg']]) {
    // It gets as far as to what is wrong after them.
    await refused(t, [...words, '--confdir', folder, '-m', 'nosuch'], /mode "nosuch"/)
  }
})

test('what is wrong is one line and 2', async (t) => {
  const folder = confdir(t)
  await refused(t, ['--bogus'], /^midwire: unknown flag --bogus/)
  await refused(t, ['dmeo'], /^midwire: there is no command dmeo, did you mean midwire demo\?/)
  await refused(t, ['--confdir', folder, '-m', 'wiregaurd'], /did you mean wireguard\?.*modes are wireguard, regular/)
  await refused(t, ['--confdir', folder, '-m', 'regular@99999'], /invalid port/)
  await refused(t, ['--confdir', folder, '-m', 'regular', '-m', 'regular'], /listens on TCP 127\.0\.0\.1:8080 already/)
  await refused(t, ['--confdir', folder, '--set', 'dumper_filter=~nope'], /~nope/)
  await refused(t, ['--confdir', folder, '(~d a'], /midwire: /)
  await refused(
    t,
    ['--confdir', folder, '-s', '/nowhere.ts', '-m', 'regular@0'],
    /the script cannot be run: \/nowhere\.ts/,
  )
  await refused(t, ['--public-key', 'x'], /belongs to midwire wg add/)
  await refused(t, ['demo', 'now'], /takes no words/)
})

test('what is wrong in config.yaml has its line, also where only the proxy knows it', async (t) => {
  const folder = confdir(t)
  const path = join(folder, 'config.yaml')
  const cases: [yaml: string, said: string][] = [
    ['mode: nosuch', 'mode "nosuch": there is no mode'],
    ['mode: regular@x', 'mode "regular@x": invalid port'],
    ['dumper_filter: ~zz', 'filter: there is no operator ~zz (character 1)\n'],
    ['scripts: [/nowhere.ts]', 'the script cannot be run: /nowhere.ts: '],
    ['dns_name_servers: [nope]', 'dns_name_servers: "nope" is no IP address'],
    ['wireguard_subnet: 1.2.3.4/99', 'wireguard_subnet "1.2.3.4/99": '],
    ['endpoint: a b', 'endpoint "a b": '],
    ['allow_hosts: a\nignore_hosts: b', 'allow_hosts and ignore_hosts exclude each other'],
    ['flow_detail: 1\n---\nflow_detail: 2', 'a second document begins here'],
    ['showhost: true\nshowhost: false', 'this option stands above already'],
  ]
  for (const [yaml, said] of cases) {
    writeFileSync(path, `# mine\n${yaml}\n`)
    const { out, err, code } = await ran(['--confdir', folder, '-p', '0'])
    const line = /---|\nshowhost/.test(yaml) ? 3 : 2
    t.true(err.startsWith(`midwire: ${path}:${line}: ${said}`), `${yaml}: ${err}`)
    t.is(err.split('\n').length, 2, yaml)
    t.is(code, 2, yaml)
    t.is(out, '', yaml)
  }
  writeFileSync(path, 'mode: nosuch\n')
  await refused(t, ['--confdir', folder, '-m', 'other'], /^midwire: mode "other"/)
})

test('wg: clients are made, shown, added and removed without a running proxy', async (t) => {
  const folder = confdir(t)
  const wg = (...argv: string[]) => ran(['wg', ...argv, '--confdir', folder, '--endpoint', '192.0.2.7', '-p', '4000'])
  const first = await wg('show')
  t.regex(first.out, /^# default, public key \S{44}\n\[Interface\]\n[\s\S]*^Endpoint = 192\.0\.2\.7:4000$/m)
  if (process.platform !== 'win32') t.is(statSync(join(folder, 'wireguard.conf')).mode & 0o777, 0o600)

  const added = await wg('add', 'phone')
  t.is(added.code, 0)
  t.regex(added.out, /^\[Interface\]$/m)
  t.notRegex(added.err, /PrivateKey/)
  t.is((await wg('show', 'phone')).out, added.out)
  t.is((await wg('show')).out.match(/^\[Interface\]$/gm)?.length, 2)
  t.regex((await wg('add', 'phone')).err, /there is a peer "phone" already/)

  t.is((await wg('remove', 'phone')).code, 0)
  const gone = await wg('show', 'phone')
  t.is(gone.code, 2)
  t.is(gone.err, 'midwire: there is no peer "phone"; the names are default\n')
  t.is((await wg('remove', 'phone')).code, 2)
})

test('wg before the first start makes the conf dir, for its owner alone', async (t) => {
  for (const argv of [['show'], ['qr'], ['add', 'phone']]) {
    const folder = join(confdir(t), 'a', 'b')
    const { err, code } = await ran(['wg', ...argv, '--confdir', folder])
    t.is(code, 0, err)
    if (process.platform !== 'win32') t.is(statSync(folder).mode & 0o777, 0o700)
  }
  const file = join(confdir(t), 'file')
  writeFileSync(file, '')
  await refused(t, ['wg', 'show', '--confdir', join(file, 'x')], /cannot be made: .*--confdir/)
})

test('wg add --public-key: the private key stays with its client', async (t) => {
  const folder = confdir(t)
  const key = publicKey(generatePrivateKey())
  const added = await ran(['wg', 'add', 'laptop', '--public-key', key, '--confdir', folder])
  t.regex(added.out, new RegExp(`^# laptop, public key ${key.replaceAll('+', '\\+')}$`, 'm'))
  t.notRegex(added.out, /PrivateKey/)
  const qr = await ran(['wg', 'qr', 'laptop', '--confdir', folder])
  t.is(qr.code, 2)
  t.regex(qr.err, /laptop keeps its private key to itself/)
})

test('wg qr: the code, where the terminal is wide enough', async (t) => {
  const folder = confdir(t)
  const wide = await ran(['wg', 'qr', '--confdir', folder], { isTTY: true, columns: 120 })
  t.is(wide.code, 0)
  t.regex(wide.out, /█/)
  t.is(wide.err, 'default:\n')
  t.regex((await ran(['wg', 'qr', '--confdir', folder], { isTTY: true, columns: 40 })).err, /too narrow/)
})

test('wg and ca say what they can do', async (t) => {
  await refused(t, ['wg'], /midwire wg: show \[NAME\], qr \[NAME\], add NAME, or remove NAME/)
  await refused(t, ['wg', 'add'], /add NAME/)
  await refused(t, ['wg', 'show', 'a', 'b'], /midwire wg: /)
  await refused(t, ['wg', 'show', '--public-key', 'x'], /belongs to midwire wg add/)
  await refused(t, ['ca'], /midwire ca: show, or path/)
  await refused(t, ['ca', 'show', '--public-key', 'x'], /belongs to midwire wg add/)
})

test('ca: the certificate, its fingerprint and its files', async (t) => {
  const folder = confdir(t)
  const shown = await ran(['ca', 'show', '--confdir', folder])
  t.regex(shown.out, /^subject +CN=midwire/m)
  t.regex(shown.out, /^sha256 +([0-9A-F]{2}:){31}[0-9A-F]{2}$/m)
  t.regex(shown.out, /^valid +\S.* to \S/m)
  const path = await ran(['ca', 'path', '--confdir', folder])
  t.is(path.out, `${join(folder, 'midwire-ca-cert.pem')}\n`)
  t.true(statSync(path.out.trim()).size > 300)
  t.notRegex(shown.out, /PRIVATE/)
})

test('ca names no file with a key in it', async (t) => {
  const folder = confdir(t)
  await ran(['ca', 'path', '--confdir', folder])
  for (const ending of ['pem', 'cer', 'p12']) rmSync(join(folder, `midwire-ca-cert.${ending}`))
  renameSync(join(folder, 'midwire-ca.pem'), join(folder, 'mitmproxy-ca.pem'))
  const { out } = await ran(['ca', 'path', '--confdir', folder])
  t.is(out, `${join(folder, 'midwire-ca-cert.pem')}\n`)
  t.notRegex(readFileSync(out.trim(), 'utf8'), /PRIVATE/)

  rmSync(out.trim())
  mkdirSync(out.trim())
  t.is((await ran(['ca', 'path', '--confdir', folder])).code, 2)
  t.notRegex((await ran(['ca', 'show', '--confdir', folder])).out, /^certificate .*\.pem$/m)
})

test('demo: a tunnel, a device and a site in one process', async (t) => {
  const { out, err, code } = await ran(['demo'])
  t.is(code, 0, err)
  t.regex(out, /DNS A demo\.example << 192\.0\.2\.80/)
  t.regex(out, /GET http:\/\/demo\.example:\d+\/ << 200 OK/)
  t.regex(out, /POST http:\/\/demo\.example:\d+\/login << 303 See Other/)
  t.regex(out, /GET https:\/\/demo\.example:\d+\/account << 200 OK/)
  t.regex(out, /nothing-here << 404 Not Found/)
  t.regex(out, /midwire works on this machine/)
})

test('colours: a flag, FORCE_COLOR, NO_COLOR, the terminal, in this order', (t) => {
  const [terminal, pipe] = [{ write: () => {}, isTTY: true }, { write: () => {} }]
  t.true(wantsColor(terminal, {}))
  t.false(wantsColor(pipe, {}))
  t.false(wantsColor(terminal, { NO_COLOR: '1' }))
  t.true(wantsColor(terminal, { NO_COLOR: '' }))
  t.true(wantsColor(pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }))
  t.false(wantsColor(terminal, { FORCE_COLOR: '0' }))
  t.false(wantsColor(terminal, { TERM: 'dumb' }))
  t.true(wantsColor(pipe, { NO_COLOR: '1' }, true))
  t.false(wantsColor(terminal, { FORCE_COLOR: '1' }, false))
})
