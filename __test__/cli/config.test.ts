// config.yaml: what it says, and that whatever bytes it has, what is wrong is one line with the file and the line.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { complaint, exitCodeOf } from '../../src/cli/complaint.js'
import { parseConfig, readConfig } from '../../src/cli/config.js'
import { MidwireError } from '../../src/index.js'
import { seeded } from '../support/seeded.js'

const read = (text: string) => parseConfig('/c/config.yaml', Buffer.from(text)).values

function refused(t: ExecutionContext, text: string | Buffer, said: RegExp) {
  const error = t.throws(() => parseConfig('/c/config.yaml', Buffer.from(text)), { instanceOf: MidwireError })
  t.regex(error?.message ?? '', said)
  t.is(exitCodeOf(error), 2)
}

test('options by their names, with their types', (t) => {
  const values = read(`# comment
mode: [wireguard, regular@8888]
flow_detail: 2
ssl_insecure: true
body_record_limit: 2m
ignore_hosts:
  - example\\.org
`)
  t.deepEqual(values.mode, ['wireguard', 'regular@8888'])
  t.like(values, { flow_detail: 2, ssl_insecure: true, body_record_limit: 2 * 1024 ** 2 })
  t.true((values.ignore_hosts as RegExp[])[0]?.test('www.example.org'))
})

test('paths are relative to the file', (t) => {
  t.deepEqual(read('scripts: [a.ts, /b.ts]\nssl_verify_upstream_trusted_ca: ca.pem'), {
    scripts: ['/c/a.ts', '/b.ts'],
    ssl_verify_upstream_trusted_ca: '/c/ca.pem',
  })
})

test('an empty file, a comment, a value of nothing', (t) => {
  t.deepEqual(read(''), {})
  t.deepEqual(read('# nothing'), {})
  t.deepEqual(read('---\n'), {})
  t.deepEqual(read('flow_detail:'), { flow_detail: 1 })
  t.deepEqual(read('\ufeffflow_detail: 3'), { flow_detail: 3 })
})

test('aliases are followed', (t) => {
  t.deepEqual(read('listen_host: &a "::1"\nendpoint: *a'), { listen_host: '::1', endpoint: '::1' })
})

test('what is wrong has its line', (t) => {
  refused(
    t,
    'showhost: true\nflow_detail: lots',
    /^\/c\/config\.yaml:2: flow_detail: "lots" is not a whole number from 0/,
  )
  refused(t, 'mode: {a: b}', /^\/c\/config\.yaml:1: mode: .* is not a text/)
  refused(t, 'flow_detail: 1\nflow_detail: 2', /^\/c\/config\.yaml:2: this option stands above already: give it once$/)
  refused(t, 'a: [1', /^\/c\/config\.yaml:1: the file is not YAML/)
  refused(t, '\n- flow_detail', /^\/c\/config\.yaml:2: the file is not a list of options/)
  refused(t, 'just words', /^\/c\/config\.yaml:1: the file is not a list of options/)
  refused(t, 'a: 1\n---\nb: 2', /^\/c\/config\.yaml:2: a second document begins here \(---\)/)
  refused(t, 'mode: 1\nendpoint: *nowhere', /^\/c\/config\.yaml:2: the alias \*nowhere names nothing$/)
  refused(t, '? [a]\n: 1', /the name of an option is a word/)
  refused(t, 'ignore_hosts: ["("]', /^\/c\/config\.yaml:1: ignore_hosts: "\(" is not a regular expression/)
  refused(t, Buffer.from('flow_detail: 1\nendpoint: \xff\n', 'latin1'), /^\/c\/config\.yaml:2: the file is not UTF-8$/)
})

test('names that scripts may define are kept as they stand, with their lines', (t) => {
  const { values, places } = parseConfig('/c/config.yaml', Buffer.from('flow_detail: 2\n\nmine: [a, 1]\n__proto__: x'))
  t.deepEqual(Object.entries(values), [
    ['flow_detail', 2],
    ['mine', ['a', 1]],
    ['__proto__', 'x'],
  ])
  t.is(places.get('mine'), '/c/config.yaml:3')
})

test("options of mitmproxy's that are not there are left out, with the reason", (t) => {
  const text = 'web_theme: dark\nflow_detail: 2\nconsole_mouse: {a: b}\nconfdir: ~/x'
  const { values, warnings } = parseConfig('/c/config.yaml', Buffer.from(text))
  t.deepEqual(values, { flow_detail: 2 })
  t.deepEqual(warnings, [
    "/c/config.yaml:1: web_theme is left out: mitmweb's page has this option, and midwire's has not",
    '/c/config.yaml:3: console_mouse is left out: midwire has no console interface',
    '/c/config.yaml:4: confdir is left out: the conf dir is chosen with --confdir, or with MIDWIRE_CONFDIR',
  ])
})

test('what would take all the memory or the stack is refused', (t) => {
  refused(t, 'a'.repeat(200_000), /^\/c\/config\.yaml:1: the file has 200000 bytes/)
  for (const deep of ['[', '{', '- ', '? ', '[{a: ']) {
    refused(t, deep.repeat(100_000 / deep.length), /^\/c\/config\.yaml:1: the file is nested too deeply$/)
  }
  const steps = Array.from({ length: 400 }, (_, index) => `${' '.repeat(index)}a:`)
  refused(t, steps.join('\n'), /^\/c\/config\.yaml:2\d: the file is nested too deeply$/)
  const bomb = Array.from(
    { length: 20 },
    (_, index) =>
      `a${index}: &a${index} [${Array(9)
        .fill(`*a${index - 1}`)
        .join(',')}]`,
  )
  refused(t, bomb.join('\n'), /^\/c\/config\.yaml:1: /)
})

test('the file is config.yaml, or config.yml; without one there is nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-config-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const valuesOf = async (path: string) => (await readConfig(path)).values
  t.deepEqual(await valuesOf(folder), {})
  t.deepEqual(await valuesOf(join(folder, 'missing')), {})
  writeFileSync(join(folder, 'config.yml'), 'flow_detail: 4')
  t.deepEqual(await valuesOf(folder), { flow_detail: 4 })
  writeFileSync(join(folder, 'config.yaml'), 'flow_detail: 3')
  t.deepEqual(await valuesOf(folder), { flow_detail: 3 })
})

const GOOD = Buffer.from(`# midwire
mode: [wireguard, "regular@8888"]
flow_detail: 2
ssl_insecure: true
listen_host: &here '127.0.0.1'
endpoint: *here
body_record_limit: 2m
scripts:
  - one.ts
  - |
    two.ts
ignore_hosts: [example\\.org, "a|b"]
dumper_filter: >-
  ~d example.com
`)
const SPICES = [
  '\0',
  '\n',
  '\t',
  ': ',
  '- ',
  '[',
  '{',
  '}',
  '"',
  "'",
  '|',
  '>',
  '&a ',
  '*a',
  '!!binary ',
  '%YAML 9',
  '\x80',
  '\u2028',
  '# ',
  '? ',
]

/** Good bytes with some of them changed, taken out, doubled, or strange ones put in. */
function mutated(random: () => number): Buffer {
  let bytes = Buffer.from(GOOD)
  for (let turns = 1 + Math.floor(random() * 4); turns > 0; turns--) {
    const at = Math.floor(random() * bytes.length)
    const end = Math.min(bytes.length, at + Math.floor(random() * 20))
    const kind = random()
    const piece = SPICES[Math.floor(random() * SPICES.length)] ?? ''
    if (kind < 0.3) bytes[at] = Math.floor(random() * 256)
    else if (kind < 0.5) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
    else if (kind < 0.7) bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
    else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(piece, 'latin1'), bytes.subarray(at)])
  }
  return bytes
}

const isOneLine = (text: string) =>
  /^midwire: \/c\/config\.yaml:\d+: ..+\n$/.test(text) && text.length < 400 && !/\p{Cc}/u.test(text.slice(0, -1))

test('2,000 mutations: each is read, or refused in one line with the file and the line', (t) => {
  const random = seeded(45)
  let bad = 0
  for (let turn = 0; turn < 2000; turn++) {
    const bytes = mutated(random)
    try {
      parseConfig('/c/config.yaml', bytes)
    } catch (error) {
      bad += 1
      const line = complaint(error)
      if (!(error instanceof MidwireError) || !isOneLine(line)) {
        t.fail(`${JSON.stringify(bytes.toString('latin1'))}: ${line}`)
        return
      }
      const [, number] = /:(\d+): /.exec(line) ?? []
      if (Number(number) < 1 || Number(number) > bytes.toString('latin1').split('\n').length) t.fail(line)
    }
  }
  t.true(bad > 500 && bad < 2000)
})
