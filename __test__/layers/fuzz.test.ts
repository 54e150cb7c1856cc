// Every layer with random, cut and mixed bytes, ends, losses and answers: nothing but clear ends may come of it.
import test from 'ava'
import type { LayerName } from '../../src/layers/layer.js'
import { captured, PROGRAMS } from '../support/client-hellos.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'
import { seeded } from '../support/seeded.js'

const CLIENT = [
  'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST http://a/b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n',
  'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n',
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n',
  'HEAD / HTTP/1.0\r\n\r\n',
  '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03',
  ...PROGRAMS.map((program) => captured(program).toString('latin1')),
  '\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x04test\x00\x00\x01\x00\x01',
  '\x00\x18\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x04test\x00\x00\x01\x00\x01',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
]
const SERVER = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'HTTP/1.1 200 OK\r\n\r\n',
  'SSH-2.0-OpenSSH\r\n',
]

/** A sentence of the list, as it is, cut, with a byte changed, or noise. */
function bytes(random: () => number, list: string[]): Buffer {
  const whole = Buffer.from(list[Math.floor(random() * list.length)] ?? '', 'latin1')
  const kind = random()
  if (kind < 0.8) return whole
  if (kind < 0.9) return whole.subarray(0, 1 + Math.floor(random() * (whole.length - 1)))
  if (kind < 0.97) {
    const changed = Buffer.from(whole)
    changed[Math.floor(random() * changed.length)] = Math.floor(random() * 256)
    return changed
  }
  return Buffer.from(Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * 256)))
}

/** Something that may happen, to whoever is there. */
function happen(play: Playbook, random: () => number): void {
  const server = play.servers[Math.floor(random() * play.servers.length)]
  const what = random()
  if (what < 0.35) play.data(play.client, bytes(random, CLIENT))
  else if (what < 0.55 && server) play.data(server, bytes(random, SERVER))
  else if (what < 0.75) answer(play, random)
  else if (what < 0.8) play.end(play.client)
  else if (what < 0.84 && server) play.end(server)
  else if (what < 0.86) play.close(play.client, random() < 0.5 ? 'ECONNRESET' : undefined)
  else if (what < 0.89 && server) play.close(server, random() < 0.5 ? 'ECONNRESET' : undefined)
  else if (what < 0.93 && server) server.full = true
  else if (what < 0.97 && server) play.drain(server)
  else play.after(random() < 0.5 ? 600 : 700_000)
}

function answer(play: Playbook, random: () => number): void {
  const [operation] = play.operations
  if (!operation) return
  const fails = random() < 0.3
  if (operation === 'open') {
    if (fails) play.openFailed('ECONNREFUSED')
    else play.opened()
  } else if (operation === 'secureClient') play.reply(operation, fails ? 'no' : undefined)
  else if (operation === 'resolve') play.reply(operation, fails ? new Error('no') : bytes(random, CLIENT))
  else play.reply(operation)
}

const layers: [string, LayerName, PlaybookOptions][] = [
  ['http1', 'http1', {}],
  ['http1 with hooks', 'http1', { hooks: { requestheaders() {}, request() {}, responseheaders() {}, response() {} } }],
  ['http1 with hooks that wait', 'http1', { hooks: 'wait' }],
  ['http proxy', 'http-proxy', { mode: 'regular' }],
  ['tls', 'tls', {}],
  ['dns over UDP', 'dns', { transport: 'udp', virtualResolver: true }],
  ['dns over TCP', 'dns', { virtualResolver: true }],
  ['dns to a server', 'dns', { transport: 'udp', connected: true }],
  ['raw', 'raw', { connected: true }],
  ['raw UDP', 'raw', { transport: 'udp', connected: true }],
  ['ignored', 'ignore', { connected: true }],
  ['next', 'next', { connected: true }],
  ['next, not connected', 'next', {}],
  ['reach', 'reach', {}],
]

for (const [name, layer, options] of layers) {
  test(`${name} survives anything`, (t) => {
    let flows = 0
    for (let seed = 1; seed <= 1_000; seed += 1) {
      const random = seeded(seed)
      const play = new Playbook(layer, options)
      for (let step = 0; step < 30; step += 1) happen(play, random)
      // Whatever has happened: when both sides are gone and everything is answered, it is over.
      play.close(play.client)
      for (const server of play.servers) play.close(server)
      for (let left = 0; play.machine.busy && left < 100; left += 1) {
        if (play.operations.length > 0) answer(play, random)
        else play.after(700_000)
      }
      const faults = play.logs.filter(({ message }) => message.startsWith('a layer has failed'))
      if (faults.length > 0 || play.machine.busy) {
        t.fail(`seed ${seed}: ${faults[0]?.message ?? `it waits for ever: ${play.operations.join()}`}`)
        return
      }
      flows += play.finished.length
      const unended = play.finished.filter((flow) => flow.live)
      if (unended.length > 0) t.fail(`seed ${seed}: a flow was handed out that is not over`)
    }
    t.log(`${flows} flows`)
    t.true(flows > 20 || name === 'ignored')
  })
}
