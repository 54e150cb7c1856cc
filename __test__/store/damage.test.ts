// Segments that were damaged on the disk, by chance: what is read is what was written, all before a damage and in other segments is there, and the writer goes on.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import type { HttpFlow } from '../../src/flow/http.js'
import type { AnyFlow } from '../../src/flow/index.js'
import { snapshot } from '../../src/flow/snapshot.js'
import { StoreReader } from '../../src/store/reader.js'
import { Segment } from '../../src/store/segment.js'
import { type Chance, chance } from '../support/random-records.js'
import { all, folder, idOf, numbered, opened } from '../support/store.js'

const DISK = 2 << 20
const FLOWS = 160
const NEW = 1000
const ROUNDS = 120

/** The files of a folder. Damage is done to these. */
type Files = Map<string, Buffer>

/** What stands where in a segment that was written. */
interface Written {
  readonly bytes: Buffer
  readonly flows: { readonly id: string; readonly end: number }[]
}

const bodyOf = (number: number) => Buffer.alloc(number % 7 === 0 ? 66_000 : (number * 379) % 9000, `body ${number} `)
const flowOf = (number: number) => numbered(number, { body: bodyOf(number) })

async function writtenStore(t: ExecutionContext): Promise<{ files: Files; segments: Map<string, Written> }> {
  const path = folder(t)
  const { store, lines } = opened(t, path, { disk: DISK * 8 })
  for (let number = 0; number < FLOWS; number++) {
    store.record(flowOf(number))
    // Segments end at a flush, too, where they are full.
    if (number % 10 === 0) await store.flush()
  }
  await store.flush()
  await store.closeDisk()
  t.deepEqual(lines, [])
  const files: Files = new Map()
  const segments = new Map<string, Written>()
  for (const name of readdirSync(path)) {
    files.set(name, readFileSync(join(path, name)))
    const number = Segment.numberOf(name)
    if (number === undefined) continue
    const segment = new Segment(path, number)
    segment.catchUp()
    const reader = new StoreReader(path)
    const flows: Written['flows'] = []
    for (let index = 0; index < segment.entries.count; index++) {
      const { idHead } = segment.entries.get(index)
      const id = idHead.toString(16).padStart(8, '0')
      const next = index + 1 < segment.entries.count ? segment.entries.get(index + 1).offset : segment.length
      flows.push({ id: reader.flow(id)?.id ?? '', end: next })
    }
    segments.set(name, { bytes: files.get(name) as Buffer, flows })
  }
  t.true(segments.size >= 3, `${segments.size}`)
  t.is(
    [...segments.values()].reduce((sum, { flows }) => sum + flows.length, 0),
    FLOWS,
  )
  return { files, segments }
}

function damage(files: Files, { below, pick }: Chance): string {
  const names = [...files.keys()].filter((name) => /\.(log|idx)$/.test(name))
  const name = pick(...names)
  const bytes = Buffer.from(files.get(name) as Buffer)
  const range = () => {
    const from = below(bytes.length)
    return [from, Math.min(bytes.length, from + 1 + below(pick(4, 100, 5000, 100_000)))] as const
  }
  const kind = pick('flip', 'cut', 'zero', 'swap', 'delete', 'rename', 'exchange', 'copy', 'add', 'grow')
  files.set(name, bytes)
  if (kind === 'flip')
    for (let count = 1 + below(5); count > 0; count--) {
      const at = below(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
    }
  else if (kind === 'cut') files.set(name, bytes.subarray(0, below(bytes.length)))
  else if (kind === 'zero') bytes.fill(0, ...range())
  else if (kind === 'swap') {
    const size = pick(16, 512, 4096)
    const blocks = Math.floor(bytes.length / size)
    const [one, other] = [below(blocks) * size, below(blocks) * size]
    const kept = Buffer.from(bytes.subarray(one, one + size))
    bytes.copyWithin(one, other, other + size)
    if (blocks > 0) kept.copy(bytes, other)
  } else if (kind === 'delete') files.delete(name)
  else if (kind === 'rename') {
    files.delete(name)
    files.set(
      pick(`0000009${below(10)}${name.slice(-4)}`, `99999999${name.slice(-4)}`, `${name}.old`, pick(...names)),
      bytes,
    )
  } else if (kind === 'exchange') {
    const other = pick(...names.filter((one) => one.endsWith(name.slice(-4))))
    files.set(name, files.get(other) as Buffer)
    files.set(other, bytes)
  } else if (kind === 'copy') files.set(`0000000${below(10)}${name.slice(-4)}`, bytes)
  else if (kind === 'add')
    files.set(`0000007${below(10)}.${pick('log', 'idx')}`, pick(Buffer.alloc(0), Buffer.alloc(5000, 'mwf1')))
  else files.set(name, Buffer.concat([bytes, Buffer.from('mwf1'), Buffer.alloc(below(200))]))
  return `${kind} ${name}`
}

/** The ids of the flows that have to be there: those that a file still begins with, whatever it is called. */
function intact(files: Files, segments: ReadonlyMap<string, Written>): Set<string> {
  const ids = new Set<string>()
  for (const [name, bytes] of files) {
    if (Segment.numberOf(name) === undefined) continue
    for (const written of segments.values()) {
      let same = 0
      while (same < bytes.length && bytes[same] === written.bytes[same]) same++
      for (const { id, end } of written.flows) if (end <= same) ids.add(id)
    }
  }
  return ids
}

const plain = (flow: AnyFlow) =>
  JSON.parse(JSON.stringify(snapshot(flow), (_, value) => (typeof value?.bytes === 'function' ? value.size : value)))

/** What is wrong with flows that were found; empty for nothing. A file that was copied has flows twice. */
function wrongIn(found: readonly AnyFlow[], wanted: ReadonlySet<string>): string[] {
  const wrong: string[] = []
  const missing = new Set(wanted)
  for (const flow of found as HttpFlow[]) {
    const original = flowOf(Number(flow.id.slice(0, 8)))
    const [content, expected] = [flow.response?.body.content, original.response?.body.content as Buffer]
    if (!isDeepStrictEqual(plain(flow), plain(original))) wrong.push(`${flow.id} is another`)
    if (content?.equals(expected)) missing.delete(flow.id)
    // A long body whose bytes have changed is not given at all.
    else if (content?.length !== 0) wrong.push(`${flow.id} has another body`)
  }
  return [...wrong, ...[...missing].map((id) => `${id} is missing`)]
}

test('whatever happens to the files of a store, no flow is another, those that can be read are, and the writer goes on', async (t) => {
  const { files: pristine, segments } = await writtenStore(t)
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const given = chance(seed)
    const files: Files = new Map(pristine)
    const done = Array.from({ length: 1 + given.below(3) }, () => damage(files, given)).join(', ')
    const about = `seed ${seed}: ${done}`
    const path = join(folder(t), 'store')
    mkdirSync(path)
    for (const [name, bytes] of files) writeFileSync(join(path, name), bytes)
    const wanted = intact(files, segments)
    t.deepEqual(wrongIn(await all(new StoreReader(path).flows(), (flow) => flow), wanted), [], `read, ${about}`)
    const { store, lines } = opened(t, path, { disk: DISK * 8 })
    t.deepEqual(wrongIn(await all(store.select(), (flow) => flow), wanted), [], `opened, ${about}`)
    for (const id of [...wanted].slice(0, 3)) t.is(store.flow(id)?.id, id, about)
    for (let number = NEW; number < NEW + 3; number++) store.record(flowOf(number))
    await store.flush()
    await store.closeDisk()
    t.deepEqual(lines, [], about)
    for (let number = NEW; number < NEW + 3; number++) wanted.add(idOf(number))
    const later = new StoreReader(path)
    t.deepEqual(wrongIn(await all(later.flows(), (flow) => flow), wanted), [], `written, ${about}`)
    t.is(later.flow(idOf(NEW + 2))?.id, idOf(NEW + 2), about)
    rmSync(path, { recursive: true })
  }
})
