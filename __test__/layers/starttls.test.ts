// STARTTLS as conversations: each protocol at every split of its bytes, what is refused, and what is left alone.
import test from 'ava'
import type { TcpFlow } from '../../src/flow/messages.js'
import { clientHello, serverName } from '../support/client-hellos.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const HELLO = clientHello({ ciphers: [0xc02b], extensions: [[0, serverName('mail.test')]] })
const hooks = { tcp_start() {}, tcp_message() {}, tcp_end() {}, tcp_error() {} }

const ldapRequest = Buffer.from(
  `301d02010177188016${Buffer.from('1.3.6.1.4.1.1466.20037').toString('hex')}`,
  'hex',
).toString('latin1')
const ldapAnswer = (code: string) => Buffer.from(`300c02010178070a01${code}04000400`, 'hex').toString('latin1')
const capabilities = (low: number) =>
  `${'\0'.repeat(12)}\0${String.fromCharCode(low & 255, low >> 8)}${'\0'.repeat(20)}`
const mysqlGreeting = (low: number) => {
  const payload = `\x0a8.0.1\0${capabilities(low)}`
  return `${String.fromCharCode(payload.length)}\0\0\0${payload}`
}
const mysqlRequest = `\x20\0\0\x01\x85\xae\xff\x01${'\0'.repeat(28)}`
const pgRequest = '\0\0\0\x08\x04\xd2\x16\x2f'
const stream = `<?xml version='1.0'?><stream:stream to='x' xmlns:stream='s'>`

/** Lines of `c` the client and `s` the server sends, up to its agreement; then an answer that refuses. */
const TALKS: Record<string, { said: readonly [who: 'c' | 's', bytes: string][]; no?: string }> = {
  smtp: {
    said: [
      ['s', '220-mail.test\r\n220 ESMTP\r\n'],
      ['c', 'EHLO me\r\n'],
      ['s', '250-mail.test\r\n250 STARTTLS\r\n'],
      ['c', 'STARTTLS\r\n'],
      ['s', '220 go\r\n'],
    ],
    no: '454 not now\r\n',
  },
  imap: {
    said: [
      ['s', '* OK ready\r\n'],
      ['c', 'a1 CAPABILITY\r\na2 STARTTLS\r\n'],
      ['s', '* CAPABILITY IMAP4rev1\r\n* OK still here\r\na1 OK\r\na2 OK go\r\n'],
    ],
    no: 'a2 NO\r\n',
  },
  pop3: {
    said: [
      ['s', '+OK ready\r\n'],
      ['c', 'CAPA\r\nSTLS\r\n'],
      ['s', '+OK list\r\nSTLS\r\n.\r\n+OK go\r\n'],
    ],
    no: '-ERR no\r\n',
  },
  ftp: {
    said: [
      ['s', '220-Hi\r\n there\r\n220 ready\r\n'],
      ['c', 'auth tls\r\n'],
      ['s', '234 go\r\n'],
    ],
    no: '534 no\r\n',
  },
  ldap: {
    said: [
      ['c', ldapRequest],
      ['s', ldapAnswer('00')],
    ],
    no: ldapAnswer('02'),
  },
  xmpp: {
    said: [
      ['c', stream],
      ['s', `${stream}<stream:features><starttls xmlns='t'/></stream:features>`],
      ['c', "<starttls xmlns='t'/>"],
      ['s', "<proceed xmlns='t'/>"],
    ],
    no: "<failure xmlns='t'/>",
  },
  postgresql: {
    said: [
      ['c', '\0\0\0\x08\x04\xd2\x16\x30'],
      ['s', 'N'],
      ['c', pgRequest],
      ['s', 'S'],
    ],
    no: 'N',
  },
  mysql: {
    said: [
      ['s', mysqlGreeting(0xffff)],
      ['c', mysqlRequest],
    ],
  },
}

function begin(options: PlaybookOptions = {}) {
  const play = new Playbook('raw', { connected: true, hooks, ...options })
  const [server] = play.servers
  if (!server) throw new Error('unreachable')
  return { play, server, flow: () => play.finished[0] as TcpFlow }
}

type Begun = ReturnType<typeof begin>

/** Plays lines, in pieces of a length; the commands that they led to. */
function talk({ play, server }: Begun, said: readonly (readonly ['c' | 's', string])[], size = 1_000): string[] {
  const lines: string[] = []
  for (const [who, bytes] of said) {
    for (let at = 0; at < bytes.length; at += size) {
      play.data(who === 'c' ? play.client : server, bytes.slice(at, at + size))
      lines.push(...play.said())
    }
  }
  return lines
}

const join = (lines: string[], side: string) =>
  lines.flatMap((line) => (line.startsWith(`send ${side} `) ? [JSON.parse(line.slice(6 + side.length))] : [])).join('')
const spoken = (said: readonly (readonly [string, string])[], who: string) =>
  said.flatMap(([one, bytes]) => (one === who ? [bytes] : [])).join('')

/** The handshakes, and words inside TLS in both directions. */
function secure(
  t: { deepEqual(a: unknown, b: unknown, m?: string): unknown },
  { play, server }: Begun,
  what: string,
): void {
  play.data(play.client, HELLO)
  t.deepEqual(play.said(), ['secure server mail.test'], what)
  server.connection.tls = { alpn: '' }
  play.reply('secureServer')
  t.deepEqual(play.said(), ['secure client mail.test'], what)
  play.client.takeAll()
  play.reply('secureClient')
  play.data(play.client, 'secret')
  play.data(server, 'answer')
  t.deepEqual(play.said(), ['send server "secret"', 'send client "answer"'], what)
}

for (const [name, { said, no }] of Object.entries(TALKS)) {
  test(`${name}: both sides are put under TLS, and one flow has what was before and inside`, (t) => {
    for (const size of [1_000, 1, 2, 7]) {
      const begun = begin()
      const lines = talk(begun, said, size)
      t.is(join(lines, 'server'), spoken(said, 'c'))
      t.is(join(lines, 'client'), spoken(said, 's'))
      secure(t, begun, `${size}`)
      begun.play.end(begun.server).end(begun.play.client)
      const flow = begun.flow()
      t.is(flow.metadata.starttls, name)
      t.is(flow.client.tls?.sni, 'mail.test')
      t.is(flow.error, undefined)
      const from = (client: boolean) =>
        flow.messages
          .flatMap(({ fromClient, content }) => (fromClient === client ? [content.toString('latin1')] : []))
          .join('')
      t.is(from(true), `${spoken(said, 'c')}secret`)
      t.is(from(false), `${spoken(said, 's')}answer`)
      t.false(begun.play.machine.busy)
    }
  })

  test(`${name}: bytes in the clear behind the request, or behind the agreement, are dropped and end the flow`, (t) => {
    const before = said.slice(0, -1)
    const [who, last] = said.at(-1) ?? ['s', '']
    if (who === 's') {
      for (const together of [true, false]) {
        const begun = begin()
        const [, ask] = before.at(-1) ?? ['c', '']
        talk(begun, before.slice(0, -1))
        const evil = together
          ? ([['c', `${ask}EVIL`]] as const)
          : ([
              ['c', ask],
              ['c', 'EVIL'],
            ] as const)
        talk(begun, evil)
        const lines = talk(begun, [['s', last]])
        t.false(
          lines.some((line) => line.includes('EVIL') || line.startsWith('secure')),
          lines.join(),
        )
        t.true(lines.includes('reset client') && lines.includes('reset server'))
        t.regex(begun.flow().error?.message ?? '', /in the clear behind its request/)
      }
    }
    const begun = begin()
    const lines = talk(begun, [...before, [who, who === 's' ? `${last}EVIL` : last]])
    if (who === 'c') begun.play.data(begun.server, 'EVIL')
    else begun.play.data(begun.play.client, HELLO)
    lines.push(...begun.play.said())
    t.false(
      lines.some((line) => line.includes('EVIL') || line.startsWith('secure')),
      lines.join(),
    )
    t.true(lines.includes('reset client') && lines.includes('reset server'))
    t.regex(begun.flow().error?.message ?? '', /the server sends bytes/)
  })

  if (no !== undefined) {
    test(`${name}: a server that refuses is heard, and both go on in the clear`, (t) => {
      const begun = begin()
      talk(begun, said.slice(0, -1))
      begun.play.data(begun.play.client, 'MORE')
      const [, last = ''] = said.at(-1) ?? []
      const lines = talk(begun, [
        ['s', name === 'imap' ? `a1 OK\r\n${no}` : name === 'pop3' ? `+OK\r\n.\r\n${no}` : no],
      ])
      t.true(join(lines, 'client').endsWith(no), last)
      t.is(join(lines, 'server'), 'MORE')
      t.false(lines.some((line) => line.startsWith('reset')))
    })
  }
}

test('what only looks like it passes unchanged, whatever comes', (t) => {
  for (const said of [
    [
      ['s', '220 x\r\n'],
      ['c', 'MAIL FROM:<a>\r\nSTARTTLS\r\n'],
      ['s', '220 go\r\n'],
      ['c', 'more'],
    ],
    [
      ['c', 'STARTTLS\r\n'],
      ['s', '220 go\r\n'],
      ['c', 'more'],
    ],
    [
      ['s', mysqlGreeting(0xf7ff)],
      ['c', mysqlRequest],
      ['c', 'more'],
      ['s', 'more'],
    ],
    [
      ['s', mysqlGreeting(0xffff)],
      ['c', mysqlRequest.replace('\x85\xae', '\x85\xa6')],
      ['c', 'more'],
      ['s', 'more'],
    ],
    [
      ['c', pgRequest],
      ['s', 'E\0\0\0'],
      ['c', 'more'],
    ],
    [
      ['c', pgRequest.replace('\x2f', '\x2e')],
      ['s', 'S'],
      ['c', 'more'],
    ],
    [
      ['c', '\0\0\0\x08\x04\xd2\x16\x30'],
      ['s', 'G'],
      ['c', 'more'],
    ],
    [
      ['c', '\0\x01'],
      ['s', '\xff'],
      ['c', '\0\0'],
    ],
    [
      ['c', '0\x84\xff\xff\xff\xff'],
      ['s', '0\x80'],
      ['c', 'more'],
    ],
    [
      ['s', `220 ${'x'.repeat(70_000)}\r\n`],
      ['c', 'STARTTLS\r\n'],
      ['s', '220 go\r\n'],
      ['c', 'more'],
    ],
    [
      ['c', stream],
      ['s', 'x'.repeat(70_000)],
      ['c', '<starttls/>'],
      ['s', '<proceed/>'],
      ['c', 'more'],
    ],
  ] as ['c' | 's', string][][]) {
    const begun = begin()
    const lines = talk(begun, said, 100_000)
    t.is(join(lines, 'server'), spoken(said, 'c'))
    t.is(join(lines, 'client'), spoken(said, 's'))
    t.false(lines.some((line) => !line.startsWith('send ')))
  }
})

test('TLS that is not to be decrypted passes: tls_clienthello, ignore_hosts, tls_fail_open', (t) => {
  const { said } = TALKS.smtp as (typeof TALKS)[string]
  const ignored: PlaybookOptions[] = [
    { options: { ignore_hosts: [/^mail\.test:80$/] } },
    { hooks: { ...hooks, tls_clienthello: (subject) => Object.assign(subject, { ignore: true }) } },
  ]
  for (const options of ignored) {
    const begun = begin(options)
    talk(begun, said)
    begun.play.data(begun.play.client, HELLO)
    const lines = begun.play.said()
    t.is(join(lines, 'server'), HELLO.toString('latin1'))
    t.is(lines.at(-1), 'splice client server')
  }
  const open = begin({
    options: { tls_fail_open: 'on' },
    failsOpen: true,
    entrance: { target: { tls: false, protocol: 'raw' } },
  })
  talk(open, said)
  open.play.data(open.play.client, HELLO)
  t.is(join(open.play.said(), 'server'), HELLO.toString('latin1'))
  open.play.close(open.play.client)
  t.is(open.flow().metadata.tls_fail_open, 'mail.test')
})

test('a handshake that fails ends the flow with its reason; so does what is no ClientHello', (t) => {
  const { said } = TALKS.smtp as (typeof TALKS)[string]
  for (const failing of ['server', 'client', 'hello'] as const) {
    const begun = begin()
    const { play } = begun
    talk(begun, said)
    play.data(play.client, failing === 'hello' ? 'EHLO again\r\n' : HELLO)
    if (failing === 'server') play.reply('secureServer', { message: 'server: no' })
    if (failing === 'client') play.reply('secureServer').reply('secureClient', 'client: no')
    t.true(play.said().includes('reset client'))
    const expected = { server: /server: no/, client: /client has failed: client: no/, hello: /does not begin TLS/ }
    t.regex(begun.flow().error?.message ?? '', expected[failing])
    t.false(play.machine.busy)
  }
})

test('an addon that takes the request for TLS away has the client go on in the clear', (t) => {
  const { said } = TALKS.smtp as (typeof TALKS)[string]
  const drop = (flow: TcpFlow) => {
    if (flow.last?.content.toString().startsWith('STARTTLS')) flow.last.content = Buffer.from('NOOP\r\n')
  }
  const begun = begin({ hooks: { ...hooks, tcp_message: drop } })
  talk(begun, said.slice(0, -1))
  t.is(join(talk(begun, [['c', 'more']]), 'server'), 'more')
  t.is(join(talk(begun, [['s', '250 ok\r\n']]), 'client'), '250 ok\r\n')
})
