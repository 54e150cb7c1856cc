// The list of modes changed while the proxy runs: what stays, what ends, and what cannot begin.
import test from 'ava'
import { startProxy, tunnel } from '../support/proxy.js'
import { dial, listen } from '../support/talk.js'

test('modes that stay keep their listeners and connections, and new ones listen', async (t) => {
  const server = await listen(t, (talk) => talk.says('220 ready\r\n'))
  const running = await startProxy(t, { modes: ['regular@0'] })
  const open = await tunnel(t, running, server.port)
  await open.hears('220 ready\r\n')
  await running.proxy.setModes(['socks5@0', 'regular@0'])
  t.deepEqual(
    running.proxy.listeners.map(({ mode }) => mode),
    ['regular', 'socks5'],
  )
  t.is(running.proxy.listeners[0]?.port, running.port)
  open.says('HELO\r\n')
  t.is(await (await server.talk(0)).hears('\r\n'), 'HELO\r\n')
  t.deepEqual(running.proxy.options.get('mode'), ['socks5@0', 'regular@0'])
})

test('a mode that goes listens no more; its connections go on', async (t) => {
  const server = await listen(t, (talk) => talk.says('220 ready\r\n'))
  const running = await startProxy(t, { modes: ['regular@0'] })
  const open = await tunnel(t, running, server.port)
  await open.hears('220 ready\r\n')
  await running.proxy.setModes(['socks5@0'])
  await t.throwsAsync(dial(t, running.port), { code: 'ECONNREFUSED' })
  open.says('HELO\r\n')
  t.is(await (await server.talk(0)).hears('\r\n'), 'HELO\r\n')
})

test('one that cannot listen is told of, and the others run; it is tried again with the next change', async (t) => {
  const taken = await listen(t)
  const running = await startProxy(t, { modes: ['regular@0'] })
  const wanted = ['regular@0', `socks5@${taken.port}`, 'dns@0']
  await t.throwsAsync(running.proxy.setModes(wanted), { code: 'ERR_ADDRESS_IN_USE' })
  t.true(running.log.some(({ level, message }) => level === 'error' && /in use/.test(message)))
  t.deepEqual([...new Set(running.proxy.listeners.map(({ mode }) => mode))], ['regular', 'dns'])
  t.deepEqual(
    running.proxy.listeners.map(({ transport, dropped }) => [transport, dropped]),
    [
      ['tcp', undefined],
      ['tcp', undefined],
      ['udp', 0],
    ],
  )
  await t.throwsAsync(running.proxy.setModes([...wanted, 'socks5@0']), { code: 'ERR_ADDRESS_IN_USE' })
  t.true(running.proxy.listeners.some(({ spec }) => spec === 'socks5@0'))
})

test('specs that are wrong change nothing, by either way', async (t) => {
  const running = await startProxy(t, { modes: ['regular@0'] })
  await t.throwsAsync(running.proxy.setModes(['regular@0', 'nothing']), { code: 'ERR_MODE' })
  t.throws(() => running.proxy.options.set({ mode: ['regular@8080', 'socks5@8080'], flow_detail: 3 }), {
    code: 'ERR_MODE',
  })
  t.deepEqual(running.proxy.options.get('mode'), ['regular@0'])
  t.is(running.proxy.options.get('flow_detail'), 1)
  t.is(running.proxy.listeners[0]?.port, running.port)
})

test('spoof_source_address is refused where no mode could keep it, at the start and later', async (t) => {
  const refused = { code: 'ERR_OPTION', message: /^spoof_source_address: only mode transparent:tproxy can/ } as const
  await t.throwsAsync(startProxy(t, { options: { spoof_source_address: true } }), refused)
  const running = await startProxy(t, { modes: ['regular@0'] })
  t.throws(() => running.proxy.options.set({ spoof_source_address: true }), refused)
  t.false(running.proxy.options.get('spoof_source_address'))
})

test('the same spec twice is two listeners, and one less is one less', async (t) => {
  const running = await startProxy(t, { modes: ['regular@0', 'regular@0'] })
  t.is(running.proxy.listeners.length, 2)
  await running.proxy.setModes(['regular@0'])
  t.deepEqual(
    running.proxy.listeners.map(({ port }) => port),
    [running.port],
  )
})

test('a change while the proxy closes leaves no listener', async (t) => {
  const running = await startProxy(t, { modes: ['regular@0'] })
  const changed = running.proxy.setModes(['regular@0', 'socks5@0']).catch(() => {})
  await running.proxy.close()
  await changed
  t.deepEqual(running.proxy.listeners, [])
})
