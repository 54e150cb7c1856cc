// The hook `next_layer`: an addon looks at the first bytes and chooses, and what cannot be is not done.
import test from 'ava'
import type { NextLayerHook, ProtocolName } from '../../src/hooks.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Begins with `next`, and chooses by `choose`. */
function start(choose: (subject: NextLayerHook) => ProtocolName | undefined, settings: PlaybookOptions = {}) {
  const seen: [data: string, server: string, protocol: string | undefined][] = []
  const play = new Playbook('next', {
    connected: true,
    ...settings,
    hooks: {
      next_layer(subject) {
        seen.push([subject.clientData.toString('latin1'), subject.serverData.toString('latin1'), subject.protocol])
        subject.protocol = choose(subject) ?? subject.protocol
      },
    },
  })
  const warnings = () => play.logs.filter(({ level }) => level === 'warn').map(({ message }) => message)
  return { play, seen, warnings }
}

test('the hook sees the bytes and the decision, again with more of them, and changes nothing by itself', (t) => {
  const { play, seen } = start(() => undefined)
  play.data(play.client, GET.slice(0, 2)).data(play.client, GET.slice(2))
  t.deepEqual(seen, [
    ['', '', undefined],
    ['GE', '', undefined],
    [GET, '', 'http1'],
  ])
  t.regex(play.said().join('\n'), /^send server "GET /)
  const server = start(() => undefined)
  if (server.play.servers[0]) server.play.data(server.play.servers[0], 'SSH-2.0')
  t.deepEqual(server.seen.at(-1), ['', 'SSH-2.0', 'raw'])
  t.deepEqual(server.play.said(), ['send client "SSH-2.0"'])
})

test('an addon decides otherwise, or sooner', (t) => {
  const raw = start(() => 'raw')
  t.deepEqual(raw.seen.length, 1)
  raw.play.data(raw.play.client, GET)
  t.deepEqual(raw.play.said(), [`send server ${JSON.stringify(GET)}`])
  const http = start(({ clientData }) => (clientData.length > 0 ? 'http1' : undefined))
  http.play.data(http.play.client, '\x01\x02\x03\x04\r\n\r\n')
  t.regex(http.play.said().join('\n'), /400/)
  t.notRegex([...raw.warnings(), ...http.warnings()].join(), /next_layer/)
})

test('what cannot be is logged, and has no effect', (t) => {
  for (const [choice, settings] of [
    ['refuse', {}],
    ['socks', {}],
    ['nonsense' as ProtocolName, {}],
    ['tls', { transport: 'udp' }],
    ['raw', { mode: 'regular', connected: false }],
  ] as const) {
    const { play, warnings } = start(() => choice, settings)
    play.data(play.client, GET)
    t.regex(warnings()[0] ?? '', new RegExp(`an addon has chosen ${choice}, which cannot be here; it can be `), choice)
    play.close(play.client)
    t.false(play.machine.busy, choice)
  }
})

test('TLS is not chosen inside TLS', (t) => {
  const { play, warnings } = start(({ decrypted }) => (decrypted ? 'tls' : undefined))
  play.context.secured = true
  play.data(play.client, GET)
  t.regex(warnings().at(-1) ?? '', /it can be http1, http2, dns, raw, ignore$/)
})

test('bytes that come while an addon is waited for are seen', (t) => {
  const play = new Playbook('next', { connected: true, hooks: 'wait' })
  play.data(play.client, GET).reply('hook')
  t.is(play.hooks.length, 2)
  play.reply('hook')
  t.deepEqual(play.hooks.slice(2), ['requestheaders'])
})
