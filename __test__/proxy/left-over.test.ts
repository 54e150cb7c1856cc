// What killed midwires have left in a conf dir is found and removed; what a running one uses stays.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { midwire } from '../../src/cli/command.js'
import { removeLeftOvers } from '../../src/index.js'

/** The id of a process that is over. */
const dead = spawnSync(process.execPath, ['--version']).pid
const own = process.pid

function folder(t: ExecutionContext, name = 'midwire-left-'): string {
  const path = mkdtempSync(join(tmpdir(), name))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A file that is so many seconds old. */
function file(path: string, seconds: number, text = ''): string {
  writeFileSync(path, text)
  const then = Date.now() / 1000 - seconds
  utimesSync(path, then, then)
  return path
}

test('temporary files of processes that are gone, and those that are old', async (t) => {
  const confdir = folder(t)
  const left = [
    file(join(confdir, `.midwire-ca.pem.${dead}.0123456789ab.tmp`), 2),
    file(join(confdir, `.midwire-ca-cert.p12.${own}.0123456789ab.tmp`), 61),
    file(join(confdir, `wireguard.conf.${dead}.01234567.tmp`), 2),
  ]
  const stay = [
    file(join(confdir, `.midwire-ca.pem.${own}.ba9876543210.tmp`), 2),
    file(join(confdir, `.midwire-ca.pem.${dead}.ba9876543210.tmp`), 0),
    file(join(confdir, 'midwire-ca.pem'), 99),
    file(join(confdir, 'wireguard.conf'), 99),
    file(join(confdir, `notes.${dead}.01234567.tmp`), 99),
    file(join(confdir, `wireguard.conf.${dead}.01234567.tmp.bak`), 99),
  ]
  t.deepEqual((await removeLeftOvers({ confdir, dryRun: true })).sort(), [...left].sort())
  t.true(left.every(existsSync))
  t.deepEqual((await removeLeftOvers({ confdir })).sort(), [...left].sort())
  t.deepEqual(readdirSync(confdir).length, stay.length)
  t.true(stay.every(existsSync))
  t.deepEqual(await removeLeftOvers({ confdir }), [])
})

test('locks of processes that are gone, also beside a key file elsewhere; a lock that is held stays', async (t) => {
  const [confdir, elsewhere] = [folder(t), folder(t)]
  const options = { mode: ['wireguard', `wireguard:${join(elsewhere, 'link.conf')}@51821`] }
  const lock = file(join(confdir, 'wireguard.conf.lock'), 0, `${own}@${hostname()} 01`)
  t.deepEqual(await removeLeftOvers({ confdir, options }), [])
  t.true(existsSync(lock))
  file(lock, 0, `${dead}@${hostname()} 01`)
  file(join(elsewhere, 'keys.conf'), 0)
  symlinkSync('keys.conf', join(elsewhere, 'link.conf'))
  const others = [
    file(join(elsewhere, `keys.conf.${dead}.01234567.tmp`), 2),
    file(join(elsewhere, 'link.conf.lock'), 0, `${dead}@${hostname()} 01`),
  ]
  t.deepEqual(await removeLeftOvers({ confdir, options, dryRun: true }), [lock, ...others])
  t.deepEqual(await removeLeftOvers({ confdir, options }), [lock, ...others])
  t.false([lock, ...others].some(existsSync))
})

test('a conf dir that is not there has nothing left over, and is not made', async (t) => {
  const confdir = join(folder(t), 'none')
  t.deepEqual(await removeLeftOvers({ confdir }), [])
  t.false(existsSync(confdir))
})

test('midwire cleanup --dry-run prints commands and runs none; its flag belongs to it', async (t) => {
  const confdir = folder(t, "midwire left's-")
  const path = file(join(confdir, `.midwire-ca.pem.${dead}.0123456789ab.tmp`), 2)
  const demo = folder(t, 'midwire-demo-')
  utimesSync(demo, 1, 1)
  let [out, err] = ['', '']
  const streams = {
    stdout: { write: (s: string) => (out += s) },
    stderr: { write: (s: string) => (err += s) },
    env: {},
  }
  t.is(await midwire(['cleanup', '--dry-run', '--confdir', confdir], streams), 0)
  t.is(err, '')
  t.true(out.includes(`rm '${path.replaceAll("'", "'\\''")}'\n`), out)
  t.true(out.includes(`rm -r ${demo}\n`), out)
  t.true(existsSync(path) && existsSync(demo))
  t.is(await midwire(['cleanup', 'all'], streams), 2)
  t.is(await midwire(['--dry-run'], streams), 2)
  t.regex(err, /--dry-run belongs to midwire transparent and midwire cleanup/)
  t.is(await midwire(['cleanup', '--uid', 'x'], streams), 2)
})
