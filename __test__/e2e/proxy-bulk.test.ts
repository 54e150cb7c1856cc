// 1 GiB each way over intercepted HTTPS in the tunnel: equal hashes, and midwire's memory stays where it was.

import { createHash } from 'node:crypto'
import { createReadStream, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Echo } from './programs/upstream.js'
import type { Midwire } from './support/midwire.js'
import { patternHash } from './support/pattern.js'
import { endsWell, stage, web } from './support/scene.js'
import { suite } from './support/suite.js'

const size = 1024 ** 3
const MiB = 1024 ** 2

const check = suite(['midwire', 'wireguard-go', 'curl'], (world) => stage(world))

/** Resident memory while the work lasts, in MiB: the most there was, and how much more at its end than after its first quarter. */
async function memory<T>(
  midwire: Midwire,
  work: () => Promise<T>,
): Promise<{ most: number; growth: number; result: T }> {
  const samples: number[] = []
  const timer = setInterval(() => samples.push(midwire.resident() / MiB), 50)
  try {
    const result = await work()
    const part = Math.floor(samples.length / 4)
    const highest = (from: number, to: number) => Math.max(...samples.slice(from, to))
    return {
      most: highest(0, samples.length),
      growth: highest(3 * part, samples.length) - highest(part, 2 * part),
      result,
    }
  } finally {
    clearInterval(timer)
  }
}

check('1 GiB down, and the same up, over HTTPS', async (t, { midwire, device, folder }) => {
  const file = join(folder, 'gigabyte')
  const curl = ['curl', '-sS', '--max-time', '100', '--cacert', midwire.authority]
  const get = [...curl, '-o', file, `https://${web.name}/bytes/${size}`]
  const down = await memory(midwire, () => device.run(get, { timeout: 110_000 }))
  t.is(down.result.stderr, '')
  t.is(statSync(file).size, size)
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: MiB }), hash)
  t.is(hash.digest('hex'), patternHash(size))
  const put = [...curl, '-T', file, `https://${web.name}/echo`]
  const up = await memory(midwire, () => device.run(put, { timeout: 110_000 }))
  t.is(up.result.stderr, '')
  rmSync(file)
  const { bytes, sha256 }: Echo = JSON.parse(up.result.stdout.toString())
  t.is(bytes, size)
  t.is(sha256, patternHash(size))
  for (const [name, { most, growth, result }] of Object.entries({ down, up })) {
    t.log(`${name}: ${Math.round((size / MiB / result.ms) * 1000)} MiB/s, at most ${Math.round(most)} MiB`)
    t.true(most < 200, `${name}: ${most} MiB`)
    t.true(growth < 40, `${name}: ${growth} MiB more at the end`)
  }
  const flow = await midwire.httpFlow(`/bytes/${size}`)
  t.is(flow.response?.bodyLength, size)
  t.is((await midwire.httpFlow('/echo')).request?.bodyLength, size)
})

endsWell(check)
