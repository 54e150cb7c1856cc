// The addon that is not there, and what its errors become.
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { startWireGuardServer } from '../../src/index.js'
import { FakeNativeServer } from '../support/fake-native.js'
import { key, startFake } from '../support/fake-server.js'

const run = promisify(execFile)

test('without the addon the package loads, and what needs it names the missing package', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-bare-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const sources = fileURLToPath(new URL('../../src', import.meta.url))
  cpSync(sources, folder, { recursive: true, filter: (path) => !path.endsWith('.node') })
  cpSync('package.json', join(folder, 'package.json'))
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
  const program = `
    const { generatePrivateKey, publicKey, startWireGuardServer } = await import(${JSON.stringify(pathToFileURL(join(folder, 'index.js')).href)})
    const privateKey = ${JSON.stringify(key())}
    const failures = []
    for (const call of [generatePrivateKey, () => publicKey(privateKey), () => startWireGuardServer({ privateKey })]) {
      try { await call() } catch ({ name, code, message }) { failures.push({ name, code, message }) }
    }
    console.log(JSON.stringify(failures))
  `
  // The fake of this process is none of theirs.
  const { NAPI_RS_NATIVE_LIBRARY_PATH: _, ...env } = process.env
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { env })
  const failures = JSON.parse(stdout) as { name: string; code: string; message: string }[]
  t.is(failures.length, 3)
  for (const { name, code, message } of failures) {
    t.is(name, 'MidwireError')
    t.is(code, 'ERR_NATIVE_MISSING')
    t.regex(message, new RegExp(`@midwire/binding-${process.platform}-${process.arch}(-gnu|-musl|-msvc)? `))
  }
})

test.serial('an error of the addon is a MidwireError that says what was tried', async (t) => {
  for (const [theirs, ours] of [
    ['ADDRESS_IN_USE', 'ERR_ADDRESS_IN_USE'],
    ['PERMISSION_DENIED', 'ERR_PERMISSION'],
    ['DUPLICATE_PEER', 'ERR_PEER_DUPLICATE'],
    ['PANIC', 'ERR_NATIVE_PANIC'],
    ['SOMETHING_NEW', 'ERR_NATIVE'],
  ] as const) {
    const cause = Object.assign(new Error('the reason'), { code: theirs })
    FakeNativeServer.failures = [cause]
    const error = await t.throwsAsync(startWireGuardServer({ host: '192.0.2.1', port: 99, privateKey: key() }), {
      name: 'MidwireError',
      code: ours,
    })
    t.regex(error?.message ?? '', /192\.0\.2\.1:99.*the reason/)
    t.is(error?.cause, cause)
  }
})

test.serial('a machine without IPv6 serves IPv4, unless it was told otherwise', async (t) => {
  const absent = () => Object.assign(new Error('no such family'), { code: 'ADDRESS_NOT_AVAILABLE' })
  FakeNativeServer.failures = [absent()]
  t.deepEqual((await startFake()).native.options.hosts, ['0.0.0.0'])
  FakeNativeServer.failures = [absent()]
  await t.throwsAsync(startFake({ host: ['0.0.0.0', '::'] }), { code: 'ERR_ADDRESS_NOT_AVAILABLE' })
})
