// A WebSocket with frames that are right, wrong or noise, cut anywhere, with ends, losses and slow hooks: nothing but clear ends may come of it.
import { constants, deflateRawSync } from 'node:zlib'
import test from 'ava'
import type { HttpFlow } from '../../../src/flow/http.js'
import type { Playbook, PlaybookOptions } from '../../support/playbook.js'
import { seeded } from '../../support/seeded.js'
import { closing, frame, MASK, opened } from '../../support/websocket-play.js'

/** Whether a side has begun a message and not ended it. */
type Within = Record<'client' | 'server', boolean>

function bytes(random: () => number, side: 'client' | 'server', within: Within): Buffer {
  const kind = random()
  if (kind < 0.01) return Buffer.from(Array.from({ length: 1 + random() * 20 }, () => Math.floor(random() * 256)))
  const text = Buffer.from('some text, κόσμε, and some text'.slice(0, random() * 40))
  const compressed = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  const isCompressed = random() < 0.4
  const data = within[side] ? 0 : random() < 0.7 ? 1 : 2
  const opcode = random() < 0.85 ? data : random() < 0.9 ? 9 : ([8, 10, 0, 1, 3][Math.floor(random() * 5)] as number)
  const fin = opcode > 2 || random() < 0.8
  if (opcode <= 2) within[side] = !fin
  const payload = opcode === 8 ? closing(1000) : opcode > 8 || opcode === 0 || !isCompressed ? text : compressed
  const mask = side === 'client' ? MASK : undefined
  const rsv = isCompressed && (opcode === 1 || opcode === 2) ? 4 : 0
  const whole = frame({ fin, opcode, rsv, payload, ...(mask && { mask }) })
  if (kind < 0.04) whole[Math.floor(random() * whole.length)] = Math.floor(random() * 256)
  return whole
}

/** Bytes in pieces of any length. */
function say(play: Playbook, side: 'client' | 'server', random: () => number, within: Within): void {
  const channel = side === 'client' ? play.client : play.servers[0]
  if (!channel) return
  let rest = bytes(random, side, within)
  while (rest.length > 0) {
    const length = random() < 0.7 ? rest.length : 1 + Math.floor(random() * rest.length)
    play.data(channel, rest.subarray(0, length))
    rest = rest.subarray(length)
  }
}

function happen(play: Playbook, random: () => number, within: Within): void {
  const [server] = play.servers
  const what = random()
  if (what < 0.42) say(play, 'client', random, within)
  else if (what < 0.84) say(play, 'server', random, within)
  else if (what < 0.94 && play.operations.length > 0) play.reply('hook')
  else if (what < 0.96 && server) server.full = true
  else if (what < 0.985 && server) play.drain(server)
  else if (what < 0.988) play.end(play.client)
  else if (what < 0.991 && server) play.end(server)
  else if (what < 0.993 && server) play.close(server, random() < 0.5 ? 'ECONNRESET' : undefined)
  else if (what < 0.995) play.close(play.client, random() < 0.5 ? 'ECONNRESET' : undefined)
  else play.after(random() * 2_000)
}

const change = ({ websocket }: HttpFlow) => {
  const last = websocket?.last
  if (last && last.length % 3 === 0) last.text = 'changed'
  if (last && last.length % 7 === 5) last.drop()
}

const settings: [string, PlaybookOptions][] = [
  ['without hooks', {}],
  ['with hooks that change', { hooks: { websocket_message: change } }],
]

for (const [name, options] of settings) {
  test(`a WebSocket ${name} survives anything`, (t) => {
    let messages = 0
    for (let seed = 1; seed <= 1_500; seed += 1) {
      const random = seeded(seed)
      const { play } = opened({ agreed: 'permessage-deflate', settings: options })
      const within = { client: false, server: false }
      for (let step = 0; step < 40; step += 1) happen(play, random, within)
      play.close(play.client)
      for (const server of play.servers) play.close(server)
      for (let left = 0; play.machine.busy && left < 50; left += 1) play.after(700_000)
      const faults = play.logs.filter(({ message }) => message.startsWith('a layer has failed'))
      const [flow] = play.finished as HttpFlow[]
      if (faults.length > 0 || play.machine.busy || !flow || flow.live || play.timers > 0) {
        t.fail(`seed ${seed}: ${faults[0]?.message ?? 'it has no end'}`)
        return
      }
      messages += flow.websocket?.messages.length ?? 0
      if (flow.websocket?.closeCode === undefined) t.fail(`seed ${seed}: no close code`)
    }
    t.log(`${messages} messages`)
    t.true(messages > 2_000)
  })
}
