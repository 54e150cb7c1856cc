// Files of htpasswd: the two kinds of hashes that are read, what is refused with its line, and files that change.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Htpasswd, parseHtpasswd } from '../../src/addons/htpasswd.js'

/** A vector of the first implementation of bcrypt (crypt_blowfish): the password is `U*U`. */
const VECTOR = '05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
/** The SHA-1 of `password`, as `htpasswd -s` writes it. */
const SHA = '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g='

/** Written by Apache's htpasswd, `-nbB -C 4` and `-nbs`: the password is `pässword`. */
const APACHES =
  'ada:$2y$04$IEPkOGnexorbcsSAyKAJNu/9MvmqMZJnK5PXi1vgGYGE5i3n0eihu\nbob:{SHA}I7dElEdfX4dJgLdnbVEeI9iG2mQ=\n'

function fileOf(t: ExecutionContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-htpasswd-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'users')
  writeFileSync(path, text)
  return path
}

const right = async (users: ReturnType<typeof parseHtpasswd>, user: string, password: string) =>
  (await users.get(user)?.(password)) ?? false

test('bcrypt of each prefix, and SHA', async (t) => {
  const users = parseHtpasswd(`# users\n\na:$2a$${VECTOR}\r\nb:$2b$${VECTOR}\ny:$2y$${VECTOR}\ns:${SHA}`)
  t.deepEqual([...users.keys()], ['a', 'b', 'y', 's'])
  for (const user of ['a', 'b', 'y']) {
    t.true(await right(users, user, 'U*U'), user)
    t.false(await right(users, user, 'U*V'), user)
    t.false(await right(users, user, ''), user)
  }
  t.true(await right(users, 's', 'password'))
  t.false(await right(users, 's', 'Password'))
})

test("entries of Apache's htpasswd, with a password beyond ASCII", async (t) => {
  const users = parseHtpasswd(APACHES)
  for (const user of ['ada', 'bob']) {
    t.true(await right(users, user, 'pässword'), user)
    t.false(await right(users, user, 'passworda'), user)
  }
})

test('what cannot be used is refused, with its line and without the hash', (t) => {
  for (const [line, said] of [
    ['user', /^line 2: an entry is `user:hash`$/],
    [`:${SHA}`, /^line 2: an entry is/],
    ['user:$apr1$abc$def', /^line 2: its hash is of no kind that midwire knows: `htpasswd -B` makes bcrypt/],
    ['user:plain', /^line 2: its hash/],
    [`user:${SHA}x`, /^line 2: its hash/],
    [`user:$2x$${VECTOR}`, /^line 2: its hash/],
    [`user:$2y$${VECTOR.slice(0, -1)}`, /^line 2: its hash/],
    [`user:$2y$31${VECTOR.slice(2)}`, /^line 2: the cost of a bcrypt hash is from 4 to 17, not 31$/],
    [`user:$2y$00${VECTOR.slice(2)}`, /not 0$/],
  ] as const) {
    t.throws(() => parseHtpasswd(`ok:${SHA}\n${line}\n`), { message: said }, line)
  }
})

test('a file that is not there, is no file or is wrong: the path, and the line', (t) => {
  const open = (path: string) => () => new Htpasswd(path, () => {})
  t.throws(open('/nowhere/users'), {
    code: 'ERR_OPTION',
    message: 'proxyauth: /nowhere/users: there is no such file',
  })
  t.throws(open(tmpdir()), { code: 'ERR_OPTION', message: /: it is no file$/ })
  const path = fileOf(t, 'user:$1$md5')
  t.throws(open(path), { code: 'ERR_OPTION', message: new RegExp(`^proxyauth: ${path}: line 1: its hash`) })
  t.throws(open(fileOf(t, '#'.repeat((1 << 20) + 1))), { message: /longer than 1 MiB$/ })
})

test.serial(
  'a file that changes is read again, at most once a second; a wrong one leaves the users of before',
  async (t) => {
    const path = fileOf(t, `one:${SHA}\n`)
    const heard: (string | undefined)[] = []
    const now = Date.now
    let clock = now()
    Date.now = () => clock
    t.teardown(() => {
      Date.now = now
    })
    const users = new Htpasswd(path, (problem) => heard.push(problem))
    const change = (text: string, second: number) => {
      writeFileSync(path, text)
      utimesSync(path, second, second)
    }
    change(`two:${SHA}\n`, 1)
    users.look()
    t.true(await users.verify('one', 'password'))
    clock += 1_000
    users.look()
    t.false(await users.verify('one', 'password'))
    t.true(await users.verify('two', 'password'))
    change('three:bad\n', 2)
    for (let time = 0; time < 2; time += 1) {
      clock += 1_000
      users.look()
    }
    t.true(await users.verify('two', 'password'))
    rmSync(path)
    clock += 1_000
    users.look()
    t.true(await users.verify('two', 'password'))
    change(`four:${SHA}\n`, 3)
    clock += 1_000
    users.look()
    t.true(await users.verify('four', 'password'))
    t.is(heard.length, 4)
    t.regex(heard[1] ?? '', /users: line 1: its hash/)
    t.regex(heard[2] ?? '', /users: there is no such file$/)
    t.deepEqual([heard[0], heard[3]], [undefined, undefined])
  },
)
