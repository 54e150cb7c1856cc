// STARTTLS with real TLS on both sides: servers that turn to TLS, and clients that do, Python's libraries among them.
import { execFile, spawnSync } from 'node:child_process'
import { createServer, type Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { certificate } from '../support/certificates.js'
import { startProxy, tunnel } from '../support/proxy.js'
import { bind, Talk } from '../support/talk.js'

const MADE = certificate({ names: ['localhost', 'upstream.test'] })

/** What a server says by itself, and what it answers to the first word of a line, or to bytes; TLS begins behind `turns`. */
interface Speaker {
  readonly greets: string
  answers(said: string): string
  turns(said: string): boolean
}

const line = (answers: Record<string, string>, fallback: string) => (said: string) =>
  answers[said.trim().toUpperCase()] ?? fallback

const SPEAKERS: Record<string, Speaker> = {
  smtp: {
    greets: '220 hi\r\n',
    answers: (said) =>
      /^EHLO/i.test(said)
        ? '250-hi\r\n250 STARTTLS\r\n'
        : /^QUIT/i.test(said)
          ? '221 bye\r\n'
          : /^STARTTLS/i.test(said)
            ? '220 go\r\n'
            : '250 ok\r\n',
    turns: (said) => /^STARTTLS/i.test(said),
  },
  imap: {
    greets: '* OK hi\r\n',
    answers(said) {
      const [tag = '', word = ''] = said.trim().split(' ')
      const more = /CAPABILITY/i.test(word)
        ? '* CAPABILITY IMAP4rev1 STARTTLS\r\n'
        : /LOGOUT/i.test(word)
          ? '* BYE\r\n'
          : ''
      return `${more}${tag} OK done\r\n`
    },
    turns: (said) => /STARTTLS/i.test(said),
  },
  pop3: {
    greets: '+OK hi\r\n',
    answers: line({ CAPA: '+OK\r\nSTLS\r\n.\r\n' }, '+OK\r\n'),
    turns: (said) => /^STLS/i.test(said),
  },
  ftp: {
    greets: '220 hi\r\n',
    answers: line({ 'AUTH TLS': '234 go\r\n', 'USER ME': '331 and?\r\n', 'PASS SECRET': '230 in\r\n' }, '200 ok\r\n'),
    turns: (said) => /^AUTH/i.test(said),
  },
  postgresql: { greets: '', answers: (said) => (said.length === 8 ? 'S' : 'R'), turns: (said) => said.length === 8 },
  mysql: {
    greets: `\x2c\0\0\0\x0a8.0\0${'\0'.repeat(13)}\xff\xff${'\0'.repeat(24)}`,
    answers: () => '',
    turns: () => true,
  },
}

/** Serves a protocol; `heard` is what came inside TLS. */
async function serve(t: ExecutionContext, { greets, answers, turns }: Speaker) {
  const heard: string[] = []
  const server = createServer((plain) => {
    let socket: Socket = plain
    const listen = () =>
      socket.on('data', (data) => {
        const said = data.toString('latin1')
        if (socket !== plain) heard.push(said)
        if (socket === plain && turns(said)) {
          socket.removeAllListeners('data')
          // In MySQL the ClientHello may have come in the same breath.
          plain.pause()
          const rest = data.subarray(MYSQL_REQUEST.length)
          if (rest.length > 0) plain.unshift(rest)
          if (answers(said) !== '') socket.write(answers(said), 'latin1')
          socket = new TLSSocket(plain, { isServer: true, cert: MADE.pem, key: MADE.keyPem })
          socket.on('error', () => {})
          listen()
        } else socket.write(socket === plain || answers(said) !== '' ? answers(said) : 'OK', 'latin1')
      })
    plain.on('error', () => {})
    plain.write(greets, 'latin1')
    listen()
    t.teardown(() => plain.destroy())
  })
  return { port: await bind(t, server), heard }
}

const MYSQL_REQUEST = `\x20\0\0\x01\x85\xae\xff\x01${'\0'.repeat(28)}`

for (const [name, ask, agreed, inside] of [
  ['smtp', 'STARTTLS\r\n', '220 go\r\n', 'NOOP\r\n'],
  ['postgresql', '\0\0\0\x08\x04\xd2\x16\x2f', 'S', 'startup'],
  ['mysql', MYSQL_REQUEST, '', 'login'],
] as const) {
  test(`${name}: a client of the proxy turns to TLS, has a certificate of ours, and one flow has all`, async (t) => {
    const speaker = SPEAKERS[name] as Speaker
    const { port, heard } = await serve(t, speaker)
    const running = await startProxy(t)
    const talk = await tunnel(t, running, port)
    if (speaker.greets) await talk.hears(speaker.greets.slice(-2))
    talk.says(Buffer.from(ask, 'latin1'))
    if (agreed) await talk.hears(agreed)
    talk.socket.removeAllListeners('data')
    const secured = connect({ socket: talk.socket, ca: running.proxy.authority.pem, servername: 'upstream.test' })
    const within = new Talk(secured)
    within.says(inside)
    await within.hears(speaker.answers(inside) || 'OK')
    t.true(secured.authorized)
    t.deepEqual(heard, [inside])
    secured.end()
    const flow = await running.flow('tcp')
    t.is(flow.error, undefined)
    t.is(flow.metadata.starttls, name)
    t.is(flow.client.tls?.sni, 'upstream.test')
    t.truthy(flow.server?.tls?.establishedAt)
    const said = flow.messages.filter(({ fromClient }) => fromClient).map(({ content }) => content.toString('latin1'))
    t.deepEqual(said, [ask, inside])
  })
}

const PYTHON = `
import ftplib, imaplib, poplib, smtplib, ssl, sys
kind, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
if kind == 'smtp':
    with smtplib.SMTP('localhost', port, timeout=20) as c:
        c.starttls(context=context); c.noop()
elif kind == 'imap':
    with imaplib.IMAP4('localhost', port, timeout=20) as c:
        c.starttls(context); c.noop()
elif kind == 'pop3':
    c = poplib.POP3('localhost', port, timeout=20)
    c.stls(context); c.noop(); c.quit()
else:
    c = ftplib.FTP_TLS(context=context, timeout=20)
    c.connect('localhost', port); c.login('me', 'secret'); c.quit()
`

const python = spawnSync('python3', ['-c', 'import ssl']).status === 0 ? test : test.skip

for (const kind of ['smtp', 'imap', 'pop3', 'ftp']) {
  python(`${kind}: Python's client, by reverse:tcp`, async (t) => {
    const { port, heard } = await serve(t, SPEAKERS[kind] as Speaker)
    const running = await startProxy(t, { modes: [`reverse:tcp://localhost:${port}@127.0.0.1:0`] })
    const ca = `${running.proxy.confdir}/midwire-ca-cert.pem`
    await promisify(execFile)('python3', ['-c', PYTHON, kind, String(running.port), ca])
    const flow = await running.flow('tcp')
    t.is(flow.metadata.starttls, kind)
    t.true(heard.length > 0)
    const seen = flow.messages
      .flatMap(({ fromClient, content }) => (fromClient ? [content.toString('latin1')] : []))
      .join('')
    t.true(seen.endsWith(heard.join('')), seen)
  })
}
