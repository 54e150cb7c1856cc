// `modify_headers` with real requests, and its grammar.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { modifyHeaders } from '../../src/addons/modify-headers.js'
import { inEveryWay } from '../support/addon-ways.js'
import { surroundings } from '../support/surroundings.js'

inEveryWay(
  'modify_headers: fields go, and others come, in requests and responses',
  {
    options: {
      modify_headers: [
        '/~q/User-Agent/midwire',
        '/x-gone/',
        '/~hq "x-gone"/X-Saw/it',
        '/~s/Server/nobody',
        '|~s|X-Two|a/b',
        '/~s/X-Two/c',
      ],
    },
  },
  async (t, { ask, origin }) => {
    origin.reply = () => ({ headers: { server: 'true one', 'x-two': 'old' } })
    const answer = await ask('/', { headers: { 'user-agent': 'client', 'x-gone': '1', 'x-stays': '2' } })
    const got = origin.got[0]?.headers
    t.is(got?.['user-agent'], 'midwire')
    t.false('x-gone' in (got ?? {}))
    t.is(got?.['x-saw'], 'it', 'filters are asked before any rule has changed a thing')
    t.is(got?.['x-stays'], '2')
    t.false('server' in (got ?? {}))
    t.is(answer.headers.server, 'nobody')
    t.is(answer.headers['x-two'], 'a/b, c')
  },
)

inEveryWay(
  'modify_headers changes the host that is named',
  { options: { modify_headers: ['/host/example.org'] } },
  async (t, { ask, origin, http }) => {
    await ask('/')
    t.is(origin.got[0]?.headers[http === 1 ? 'host' : (':authority' as never)], 'example.org')
  },
)

test('a value from a file is read again when the file changes, and a file that is gone leaves the field away', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'midwire-rules-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'value')
  writeFileSync(file, 'one\r\n')
  const log: string[] = []
  const addon = modifyHeaders([`|X-A|@${file}`], { ...surroundings, log: (_, message) => log.push(message) })
  const { HttpHeaders } = await import('../../src/flow/headers.js')
  const seen = () => {
    const headers = HttpHeaders.from({ 'X-A': 'client' })
    addon.requestheaders?.({ request: { headers } } as never)
    return headers.get('x-a')
  }
  t.is(seen(), 'one')
  writeFileSync(file, 'three')
  t.is(seen(), 'three')
  rmSync(file)
  t.is(seen(), undefined)
  t.regex(log[0] ?? '', /^modify_headers, rule 1: ENOENT/)
})

test('wrong rules are refused', (t) => {
  const refused = (rule: string) => t.throws(() => modifyHeaders([rule], surroundings))?.message ?? ''
  t.regex(refused('/a b/c'), /^modify_headers, rule 1: "a b" is no field name$/)
  t.regex(refused('/a'), /a rule is/)
  t.regex(refused('/~x/a/b'), /no operator ~x/)
  t.regex(refused('/a/b\nc'), /control characters/)
  t.regex(refused('|a|@/nowhere/at/all'), /ENOENT/)
})
