// The hosts file as it changes: how often it is looked at, and what is known of one that has gone.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { HostsFile } from '../../src/proxy/hosts-file.js'

test.serial('the hosts file is looked at every 2 s: changed, gone, and back as it was', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'midwire-hosts-'))
  const { now } = Date
  let clock = now()
  Date.now = () => clock
  t.teardown(async () => {
    Date.now = now
    await rm(folder, { recursive: true })
  })
  const path = join(folder, 'hosts')
  await writeFile(path, '192.0.2.1 a.example\n')
  const file = new HostsFile(path)
  const find = async (after: number) => {
    clock += after
    return (await file.find('a.example'))?.join()
  }
  t.is(await find(0), '192.0.2.1')
  await writeFile(path, '192.0.2.22 a.example\n')
  t.is(await find(2_000), '192.0.2.1')
  t.is(await find(1), '192.0.2.22')
  await rename(path, `${path}.away`)
  t.is(await find(2_001), undefined)
  await rename(`${path}.away`, path)
  t.is(await find(2_001), '192.0.2.22')
})
