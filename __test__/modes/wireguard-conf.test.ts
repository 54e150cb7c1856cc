// wireguard.conf: what it may say, how it is written, and two processes at once.
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { homedir, hostname, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { publicKey } from '../../src/index.js'
import { parseSubnets } from '../../src/modes/subnet.js'
import { addPeer, clientText, loadWireGuardConf, removePeer } from '../../src/modes/wireguard-conf.js'
import { confPath } from '../../src/modes/wireguard-file.js'
import { useFakeNative } from '../support/fake-native.js'
import { key } from '../support/fake-server.js'

useFakeNative()
const run = promisify(execFile)

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'midwire-conf-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

async function given(t: ExecutionContext, json: unknown): Promise<string> {
  const path = join(await folder(t), 'wireguard.conf')
  await writeFile(path, typeof json === 'string' ? json : JSON.stringify(json), { mode: 0o600 })
  return path
}

const read = async (path: string) => JSON.parse(await readFile(path, 'utf8'))

test('where the file is', (t) => {
  t.is(confPath(undefined, '/conf'), join('/conf', 'wireguard.conf'))
  t.is(confPath('~/a@b.conf', '/conf'), join(homedir(), 'a@b.conf'))
  t.is(confPath('~', '/conf'), homedir())
  t.is(confPath('~other/x', '/conf'), resolve('~other/x'))
  t.is(confPath('x.conf', '/conf'), resolve('x.conf'))
})

test('it is made at the first start, with keys of its own, for its owner alone', async (t) => {
  const place = await folder(t)
  const path = join(place, 'wireguard.conf')
  await t.throwsAsync(loadWireGuardConf(path), { code: 'ERR_WIREGUARD_CONF', message: /no such file/ })
  const conf = await loadWireGuardConf(path, { create: true })
  t.deepEqual(await readdir(place), ['wireguard.conf'], 'neither lock nor temporary file stays')
  if (process.platform !== 'win32') t.is((await stat(path)).mode & 0o777, 0o600)
  t.regex(await readFile(path, 'utf8'), /^\{\n {4}"server_key": "[^"]{44}",\n {4}"client_key": "[^"]{44}"/)
  t.is(conf.publicKey, publicKey(conf.serverKey))
  t.deepEqual(conf.peers, [
    {
      name: 'default',
      publicKey: publicKey((await read(path)).client_key),
      privateKey: (await read(path)).client_key,
      presharedKey: undefined,
      addresses: ['10.0.0.1/32', 'fd6d:6964:7769:7265::1/128'],
    },
  ])
  t.deepEqual(await loadWireGuardConf(path, { create: true }), conf, 'and kept')
})

test("mitmproxy's file is read as it is, and keeps what is not ours", async (t) => {
  const keys = { server_key: key(), client_key: key() }
  const path = await given(t, { ...keys, comment: { mine: [1] } })
  const conf = await loadWireGuardConf(path)
  t.is(conf.serverKey, keys.server_key)
  t.is(conf.peers[0]?.privateKey, keys.client_key)
  const before = await readFile(path, 'utf8')
  t.is(before, JSON.stringify({ ...keys, comment: { mine: [1] } }), 'reading writes nothing')
  const phone = await addPeer(path, 'phone')
  t.deepEqual(await read(path), {
    ...keys,
    comment: { mine: [1] },
    peers: [{ name: 'phone', private_key: phone.privateKey, addresses: [...phone.addresses] }],
  })
  await removePeer(path, 'phone')
  t.deepEqual(await read(path), { ...keys, comment: { mine: [1] }, peers: [] })
})

test('every further peer has the next free addresses', async (t) => {
  const path = join(await folder(t), 'wireguard.conf')
  const first = await addPeer(path, 'a')
  t.deepEqual(first.addresses, ['10.0.0.2/32', 'fd6d:6964:7769:7265::2/128'], 'the file is made where there is none')
  t.is(first.publicKey, publicKey(first.privateKey ?? ''))
  const theirs = key()
  const b = await addPeer(path, 'b', { publicKey: theirs, presharedKey: key() })
  t.is(b.publicKey, theirs)
  t.is(b.privateKey, undefined)
  await removePeer(path, 'a')
  t.deepEqual((await addPeer(path, 'c')).addresses, first.addresses)
  const { peers } = await loadWireGuardConf(path)
  t.deepEqual(
    peers.map(({ name, addresses }) => [name, addresses[0]]),
    [
      ['default', '10.0.0.1/32'],
      ['b', '10.0.0.3/32'],
      ['c', '10.0.0.2/32'],
    ],
  )
  const subnet = parseSubnets(['192.168.9.0/24'])
  t.is((await addPeer(path, 'd', { subnet })).addresses[0], '192.168.9.4/32')
  t.is((await loadWireGuardConf(path, { subnet })).peers[0]?.addresses[0], '192.168.9.1/32')
})

test('peers without names or addresses are given them, and nobody the address of another', async (t) => {
  const path = await given(t, {
    server_key: key(),
    client_key: key(),
    peers: [
      { public_key: key() },
      { name: 'x', public_key: key(), addresses: ['10.0.0.2', 'fd6d:6964:7769:7265:0::2'] },
    ],
  })
  const { peers } = await loadWireGuardConf(path)
  t.deepEqual(
    peers.slice(1).map(({ name, addresses }) => [name, ...addresses]),
    [
      ['peer2', '10.0.0.3/32', 'fd6d:6964:7769:7265::3/128'],
      ['x', '10.0.0.2/32', 'fd6d:6964:7769:7265::2/128'],
    ],
  )
})

test('the first peer can be removed, and stays away', async (t) => {
  const path = join(await folder(t), 'wireguard.conf')
  await addPeer(path, 'a')
  await removePeer(path, 'default')
  t.deepEqual(
    (await loadWireGuardConf(path, { create: true })).peers.map(({ name }) => name),
    ['a'],
  )
  await removePeer(path, 'a')
  t.deepEqual((await loadWireGuardConf(path)).peers, [])
  t.false('client_key' in (await read(path)))
})

test('names that are taken, missing or none', async (t) => {
  const place = await folder(t)
  const path = join(place, 'wireguard.conf')
  for (const missing of [path, join(place, 'none', 'wireguard.conf')])
    await t.throwsAsync(removePeer(missing, 'x'), { message: /: there is no peer "x", and no such file/ })
  t.deepEqual(await readdir(place), [], 'nothing is made')
  await addPeer(path, 'Anna’s phone')
  const before = await readFile(path, 'utf8')
  const taken = await t.throwsAsync(addPeer(path, 'Anna’s phone'), { code: 'ERR_WIREGUARD_CONF' })
  t.regex(taken?.message ?? '', /already; the names are "default", "Anna’s phone"/)
  await t.throwsAsync(addPeer(path, 'default'), { message: /already/ })
  await t.throwsAsync(removePeer(path, 'tablet'), { message: /no peer "tablet"; the names are "default", "Anna’s/ })
  for (const name of ['', ' ', 'a\nb', 'x'.repeat(65)]) {
    await t.throwsAsync(addPeer(path, name), { code: 'ERR_WIREGUARD_CONF', message: /1 to 64 characters/ })
  }
  await t.throwsAsync(addPeer(path, 'k', { publicKey: 'nonsense' }), {
    code: 'ERR_WIREGUARD_CONF',
    message: /publicKey of peer "k" is not a WireGuard key/,
  })
  const { publicKey: known = '' } = (await loadWireGuardConf(path)).peers[1] ?? {}
  await t.throwsAsync(addPeer(path, 'k', { publicKey: known }), { message: /every peer needs a key pair of its own/ })
  t.is(await readFile(path, 'utf8'), before, 'what fails changes nothing')
})

test('what is wrong in the file is said with the file, and without the keys in it', async (t) => {
  const secret = key()
  const ok = { server_key: key(), client_key: key() }
  const wrong: [unknown, RegExp][] = [
    ['', /not JSON/],
    [`{\n"server_key": "${secret}",\n"client_key": ${secret}}`, /not JSON/],
    [`{"server_key": "${secret}" "x": 1}`, /not JSON: a syntax error, line 1$/],
    [`[Interface]\nPrivateKey = ${secret}\n`, /wg-quick/],
    ['[]', /JSON object/],
    ['null', /JSON object/],
    [{}, /server_key is missing/],
    [{ server_key: secret }, /client_key is missing/],
    [{ server_key: secret, client_key: secret }, /the key of peer "default" is server_key, too/],
    [{ ...ok, server_key: secret.slice(1) }, /server_key is not a WireGuard key/],
    [{ ...ok, client_key: 7 }, /client_key is not a WireGuard key/],
    [{ ...ok, client_key: null }, /client_key is not a WireGuard key/],
    [{ ...ok, peers: {} }, /peers is a list/],
    [{ ...ok, peers: [secret] }, /peers is a list/],
    [{ ...ok, peers: [{ name: 1 }] }, /name of peers\[0\]/],
    [{ ...ok, peers: [{ name: 'a' }] }, /"a" has neither private_key nor public_key/],
    [{ ...ok, peers: [{ name: 'a', private_key: `${secret}x` }] }, /private_key of peer "a" is not a WireGuard key/],
    [{ ...ok, peers: [{ name: 'a', public_key: [secret] }] }, /publicKey of peer "a" is not a WireGuard key/],
    [{ ...ok, peers: [{ name: 'a', private_key: secret, public_key: key() }] }, /is not that of its private_key/],
    [{ ...ok, peers: [{ name: 'a', public_key: secret, preshared_key: 'x' }] }, /presharedKey of peer "a"/],
    [{ ...ok, peers: [{ name: 'a', public_key: secret, addresses: [] }] }, /addresses of peer "a" are a list/],
    [{ ...ok, peers: [{ name: 'a', public_key: secret, addresses: ['10.0.0.300'] }] }, /"10\.0\.0\.300" is no range/],
    [{ ...ok, peers: [{ name: 'a', public_key: secret, addresses: ['10.0.0.1'] }] }, /10\.0\.0\.1\/32 of peer "a"/],
    [
      {
        ...ok,
        peers: [
          { name: 'a', public_key: secret },
          { name: 'b', public_key: secret },
        ],
      },
      /"b" is there twice/,
    ],
    [
      {
        ...ok,
        peers: [
          { name: 'a', public_key: secret },
          { name: 'a', public_key: key() },
        ],
      },
      /two peers are named "a"/,
    ],
    [{ ...ok, peers: [{ name: 'default', public_key: secret }] }, /two peers are named "default"/],
    [{ ...ok, client_key: secret, peers: [{ name: 'a', private_key: secret }] }, /there twice/],
  ]
  for (const [json, message] of wrong) {
    const path = await given(t, json)
    const error = await t.throwsAsync(loadWireGuardConf(path, { create: true }), {
      code: 'ERR_WIREGUARD_CONF',
      message,
    })
    t.true(error?.message.startsWith(`${path}: `))
    t.false(error?.message.includes(secret.slice(2, 12)), 'a key is no part of a message')
  }
})

test('files that cannot be read or written', async (t) => {
  const place = await folder(t)
  await mkdir(join(place, 'directory'))
  await writeFile(join(place, 'file'), '')
  for (const [name, message] of [
    ['directory', /directory cannot be read: it is a directory/],
    ['none/wireguard.conf', /cannot be locked: its directory does not exist/],
    ['file/wireguard.conf', /cannot be read: its directory is a file/],
  ] as const) {
    await t.throwsAsync(loadWireGuardConf(join(place, name), { create: true }), { code: 'ERR_WIREGUARD_CONF', message })
  }
})

test('others who may read it are noticed, and lose that right with the next change', async (t) => {
  if (process.platform === 'win32') return t.pass()
  const path = await given(t, { server_key: key(), client_key: key() })
  t.false((await loadWireGuardConf(path)).exposed)
  await chmod(path, 0o640)
  t.true((await loadWireGuardConf(path)).exposed)
  await addPeer(path, 'a')
  t.false((await loadWireGuardConf(path)).exposed)
  return undefined
})

test('a link stays a link', async (t) => {
  const path = await given(t, { server_key: key(), client_key: key() })
  const link = join(await folder(t), 'link.conf')
  await symlink(path, link)
  await addPeer(link, 'a')
  t.is((await loadWireGuardConf(path)).peers.length, 2)
})

test('many at once, in this process and in others: every peer is there, with addresses of its own', async (t) => {
  const path = join(await folder(t), 'wireguard.conf')
  const program = `
    const { addPeer } = await import(${JSON.stringify(new URL('../../src/modes/wireguard-conf.js', import.meta.url).href)})
    for (let n = 0; n < 5; n++) await addPeer(process.argv[2], process.argv[1] + n, { publicKey: (await import('node:crypto')).randomBytes(32).toString('base64') })
  `
  // The fake of this process is none of theirs.
  const { NAPI_RS_NATIVE_LIBRARY_PATH: _, ...env } = process.env
  const other = (name: string) => run(process.execPath, ['--input-type=module', '-e', program, name, path], { env })
  const here = Array.from({ length: 8 }, (_, n) => addPeer(path, `here${n}`))
  const both = Array.from({ length: 4 }, () => loadWireGuardConf(path, { create: true }))
  await Promise.all([other('a'), other('b'), ...here, ...both])
  const { peers } = await loadWireGuardConf(path)
  t.is(peers.length, 1 + 8 + 10)
  t.is(new Set(peers.flatMap(({ addresses }) => addresses)).size, 2 * peers.length)
  t.is(new Set((await Promise.all(both)).map(({ serverKey }) => serverKey)).size, 1)
})

test('a lock that a dead process has left is taken away', async (t) => {
  const path = await given(t, { server_key: key(), client_key: key() })
  const dead = await run(process.execPath, ['-p', 'process.pid'])
  const left: [string, number][] = [
    // Killed in the middle, whoever it was.
    [`${dead.stdout.trim()}@${hostname()}`, 0],
    // Killed before it could sign.
    ['', 2000],
    // The same number again, as in a container that was started anew.
    [`${process.pid}@${hostname()}`, 2000],
    ['1@elsewhere', 20_000],
  ]
  for (const [index, [signature, age]] of left.entries()) {
    await writeFile(`${path}.lock`, signature)
    const then = new Date(Date.now() - age)
    await utimes(`${path}.lock`, then, then)
    const before = Date.now()
    await addPeer(path, `peer ${index}`)
    t.true(Date.now() - before < 1000, signature)
  }
  t.is((await loadWireGuardConf(path)).peers.length, 1 + left.length)
})

test('a lock that somebody has is waited for', async (t) => {
  const path = await given(t, { server_key: key(), client_key: key() })
  await writeFile(`${path}.lock`, '1@elsewhere')
  const added = addPeer(path, 'a')
  await new Promise((later) => setTimeout(later, 100))
  t.is((await loadWireGuardConf(path)).peers.length, 1, 'reading waits for nobody')
  await rm(`${path}.lock`)
  t.is((await added).name, 'a')
})

const posix = process.platform === 'win32' ? test.skip : test

posix('a disk without room for a lock is left without one', async (t) => {
  const place = await folder(t)
  const module = new URL('../../src/modes/wireguard-file.js', import.meta.url).href
  const program = `
    const { withLock } = await import(${JSON.stringify(module)})
    await withLock(${JSON.stringify(join(place, 'k'))}, async () => {}).catch((error) => console.log(error.message))`
  // No file may have a byte: it is made, and then there is no room in it.
  const limited = 'ulimit -f 0 && exec "$0" --input-type=module -e "$1"'
  const { stdout } = await run('sh', ['-c', limited, process.execPath, program])
  t.regex(stdout, /k cannot be locked: /)
  t.deepEqual(await readdir(place), [])
})

test('the text for a client', async (t) => {
  const path = await given(t, { server_key: key(), client_key: key() })
  const conf = await loadWireGuardConf(path)
  const [first] = conf.peers
  if (!first) return t.fail()
  t.is(
    clientText(conf, first, { endpoint: '2001:db8::1', port: 51_820 }),
    [
      '[Interface]',
      `PrivateKey = ${first.privateKey}`,
      'Address = 10.0.0.1/32, fd6d:6964:7769:7265::1/128',
      'DNS = 10.0.0.53, fd6d:6964:7769:7265::53',
      '',
      '[Peer]',
      `PublicKey = ${conf.publicKey}`,
      'AllowedIPs = 0.0.0.0/0, ::/0',
      'Endpoint = [2001:db8::1]:51820',
      '',
    ].join('\n'),
  )
  const own = await addPeer(path, 'own', { publicKey: key(), presharedKey: key() })
  t.is(clientText(conf, own, { port: 1 }), undefined, 'whose private key is not known')
  const shared = await addPeer(path, 'shared', { presharedKey: key() })
  t.true(clientText(conf, shared, { port: 1 })?.includes(`PresharedKey = ${shared.presharedKey}\n`))
  const subnet = parseSubnets(['192.168.9.0/24'])
  t.true(clientText(conf, first, { port: 1, subnet, host: '192.0.2.7' })?.includes('DNS = 192.168.9.53, '))
  t.true(clientText(conf, first, { port: 1, host: '192.0.2.7' })?.includes('Endpoint = 192.0.2.7:1\n'))
  return undefined
})
