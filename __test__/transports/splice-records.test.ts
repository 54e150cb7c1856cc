// A splice of connections of the addon's whose data Node has not fetched yet.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import test from 'ava'
import { native } from '../../src/native/load.js'
import { connections } from '../../src/transports/connections/connections.js'
import { FALLS, RISES } from '../../src/transports/connections/records.js'
import { EVENT, HEADER, padded } from '../../src/transports/records.js'
import { bind, Talk } from '../support/talk.js'

const run = connections() ? test : test.skip

const command = (kind: number, id: number, ...words: number[]) =>
  Buffer.from(Uint32Array.of(kind, id, words.length * 4, ...words).buffer)

run('data that the addon has read goes before what it reads later', async (t) => {
  let look = () => {}
  const engine = native().NativeConnections.start(() => look())
  /** Performs commands, and gives kind and id of each event that there is room for. */
  const exchange = (commands: Buffer, room: number) => {
    const slab = Buffer.alloc(room)
    const filled = engine.exchange(commands, commands.length, slab)
    const events: { kind: number; id: number }[] = []
    for (let at = 0; at < filled; at += HEADER + padded(slab.readUInt32LE(at + 8)))
      events.push({ kind: slab.readUInt32LE(at), id: slab.readUInt32LE(at + 4) })
    return events
  }
  const until = (kind: number) =>
    new Promise<number>((resolve) => {
      look = () => {
        const found = exchange(Buffer.alloc(0), 4096).find((one) => one.kind === kind)
        if (!found) return
        look = () => {}
        resolve(found.id)
      }
      look()
    })
  const { port, id: listener } = engine.listen('127.0.0.1', 0)
  const heard = new Promise<Talk>((resolve) => {
    void bind(
      t,
      createServer((socket) => resolve(new Talk(socket))),
    ).then((at) => engine.connect('127.0.0.1', at))
  })
  const toServer = await until(RISES.connected)
  const client = connect(port, '127.0.0.1')
  t.teardown(() => client.destroy())
  await once(client, 'connect')
  const toClient = await until(EVENT.opened)
  const readable = new Promise<void>((resolve) => {
    look = resolve
  })
  client.write('first ')
  await readable
  // Too little room for the data, which waits in the addon.
  t.deepEqual(exchange(command(FALLS.resume, toClient), HEADER), [])
  t.deepEqual(
    exchange(command(FALLS.splice, toClient, toServer), 4096)
      .map(({ kind }) => kind)
      .filter(Boolean),
    [RISES.passed],
  )
  look = () => exchange(Buffer.alloc(0), 4096)
  client.write('second')
  t.is(await (await heard).hears('second'), 'first second')
  exchange(Buffer.concat([command(FALLS.reset, toClient), command(FALLS.reset, toServer)]), 4096)
  engine.stopListening(listener)
})
