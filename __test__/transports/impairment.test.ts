// An impaired line in the addon's own stack: packets of one TCP connection are lost and come later, and every byte arrives.
import { createHash, randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import test from 'ava'
import type { WireGuardStream } from '../../src/index.js'
import { startPair } from '../support/pair.js'

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Writes bytes of chance to one end, and has them all from the other. */
async function pass(from: WireGuardStream, to: WireGuardStream, length: number): Promise<[string, string]> {
  const data = randomBytes(length)
  const chunks: Buffer[] = []
  let got = 0
  const all = new Promise<void>((resolve) => {
    const hear = (chunk: Buffer) => {
      chunks.push(chunk)
      got += chunk.length
      if (got < length) return
      to.off('data', hear)
      resolve()
    }
    to.on('data', hear)
  })
  from.write(data)
  await all
  return [hash(Buffer.concat(chunks)), hash(data)]
}

test('packets are lost both ways, on that connection only, until the end of it', async (t) => {
  const pair = await startPair()
  t.teardown(() => pair.close())
  const { near, far } = await pair.connect()
  const other = await pair.connect()
  far.impair({ loss: 0.05, latency: 0 }, 7)
  const lost = () => {
    const { impairedIn, impairedOut } = pair.server.counters()
    return [impairedIn, impairedOut]
  }
  t.is(...(await pass(other.near, other.far, 1_000_000)))
  t.deepEqual(lost(), [0, 0])
  t.is(...(await pass(near, far, 1_000_000)))
  t.is(...(await pass(far, near, 1_000_000)))
  const [lostIn = 0, lostOut = 0] = lost()
  t.true(lostIn >= 10 && lostOut >= 10, `${lostIn} ${lostOut}`)
  far.impair(undefined)
  // The end comes with the acknowledgement of what was written before it, which the answer is behind.
  t.is(...(await pass(near, far, 1)))
  const before = lost()
  t.is(...(await pass(near, far, 1_000_000)))
  t.is(...(await pass(far, near, 1_000_000)))
  t.deepEqual(lost(), before)
})

test('packets to the peer come later', async (t) => {
  const pair = await startPair()
  t.teardown(() => pair.close())
  const { near, far } = await pair.connect()
  far.impair({ loss: 0, latency: 300 })
  const begun = performance.now()
  t.is(...(await pass(near, far, 1_000)))
  t.true(performance.now() - begun < 300)
  t.is(...(await pass(far, near, 100_000)))
  t.true(performance.now() - begun >= 300)
})
