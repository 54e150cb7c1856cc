// `modify_body` with real bodies, and its grammar.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import test from 'ava'
import { modifyBody } from '../../src/addons/modify-body.js'
import { inEveryWay } from '../support/addon-ways.js'
import { surroundings } from '../support/surroundings.js'

inEveryWay(
  'modify_body: requests and responses, compressed or not',
  { options: { modify_body: ['/~q/secret (\\w+)/public \\1', '/~s/old.new/[\\g<0>]', '/~u untouched/a/b'] } },
  async (t, { ask, origin }) => {
    const zipped = gzipSync('some old\nnew text')
    origin.reply = () => ({
      headers: { 'content-encoding': 'gzip', 'content-length': `${zipped.length}` },
      body: zipped,
    })
    const answer = await ask('/', { method: 'POST', body: 'a secret word' })
    t.is(`${origin.got[0]?.body}`, 'a public word')
    t.is(origin.got[0]?.headers['content-length'], '13')
    t.is(`${gunzipSync(answer.body)}`, 'some [old\nnew] text')
    const odd = gzipSync('nothing to replace', { level: 0 })
    origin.reply = () => ({ headers: { 'content-encoding': 'gzip' }, body: odd })
    t.deepEqual((await ask('/')).body, odd, 'what no rule has changed passes byte for byte')
  },
)

inEveryWay(
  'modify_body leaves bodies alone that have passed or cannot be decoded',
  { options: { modify_body: ['/a/b'], stream_large_bodies: '10' } },
  async (t, { ask, origin, running }) => {
    origin.reply = () => ({ headers: { 'content-length': '20' }, body: 'a'.repeat(20) })
    t.is(`${(await ask('/long')).body}`, 'a'.repeat(20))
    await running.logged(/^modify_body leaves the body of .*\/long as it is: longer than stream_large_bodies/)
    origin.reply = () => ({ headers: { 'content-encoding': 'strange' }, body: 'aaa' })
    t.is(`${(await ask('/strange')).body}`, 'aaa')
    await running.logged(/^modify_body leaves the body of .*\/strange/)
    t.deepEqual(
      running.flows.map(({ error }) => error),
      [undefined, undefined],
    )
  },
)

test('a file is put there as it is', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'midwire-rules-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'value')
  writeFileSync(file, '\\1 $1 {"a":"\\n"}')
  const addon = modifyBody([`|(x)|@${file}`], surroundings)
  const message = { body: { length: 1 }, streamed: false, decodedContent: Buffer.from('axb') }
  addon.request?.({ request: message } as never)
  t.is(`${message.decodedContent}`, 'a\\1 $1 {"a":"\\n"}b')
  rmSync(file)
  message.decodedContent = Buffer.from('axb')
  addon.request?.({ request: message } as never)
  t.is(`${message.decodedContent}`, 'axb', 'without the file nothing is replaced')
})

test('wrong rules are refused', (t) => {
  const refused = (rule: string) => t.throws(() => modifyBody([rule], surroundings))?.message ?? ''
  t.regex(refused('/(/c'), /^modify_body, rule 1: Invalid regular expression/)
  t.regex(refused('/a/\\1'), /no group 1/)
  t.regex(refused('|a|@/nowhere/at/all'), /ENOENT/)
})
