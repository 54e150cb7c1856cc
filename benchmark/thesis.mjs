// The table of the thesis that midwire goes back to: a TCP echo of 1000-byte packets, local against through the tunnel.
//
//   node benchmark/thesis.mjs [--rounds 10] [--most 100000]
//
// Local: node:net on loopback. Tunnel: a second process is the WireGuard client (midwire's own initiator), on loopback,
// without root; so the tunnel's figure holds both of its ends. One connection, one packet in flight, as in the thesis.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { parseArgs } from 'node:util'
import { generatePrivateKey, publicKey, startWireGuardServer } from '../dist/index.js'

const PACKET = Buffer.alloc(1000, 'x')
const SIZES = [1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '10' }, most: { type: 'string', default: '100000' } },
})
const rounds = Number(values.rounds)
const sizes = SIZES.filter((size) => size <= Number(values.most))

/** Packets a second for so many echoes, one after the other. */
function echoes(stream, count) {
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint()
    let left = count
    let missing = PACKET.length
    stream.on('error', reject)
    stream.on('data', (chunk) => {
      missing -= chunk.length
      if (missing > 0) return
      missing = PACKET.length
      left--
      if (left > 0) {
        stream.write(PACKET)
        return
      }
      stream.removeAllListeners('data')
      resolve(count / (Number(process.hrtime.bigint() - start) / 1e9))
    })
    stream.write(PACKET)
  })
}

async function measure(connect) {
  const rows = []
  for (const size of sizes) {
    const rates = []
    for (let round = 0; round < rounds; round++) {
      const stream = await connect()
      rates.push(await echoes(stream, size))
      stream.destroy()
    }
    rows.push({ size, rates })
  }
  return rows
}

function table(name, rows) {
  console.log(`\n${name}\n\n| packets | mean | SD | RSD | worst | best |\n|---|---|---|---|---|---|`)
  const line = (label, rates) => {
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
    const deviation = Math.sqrt(
      rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / Math.max(1, rates.length - 1),
    )
    const shown = [mean, deviation].map((value) => `${Math.round(value)}/s`)
    const ends = [Math.min(...rates), Math.max(...rates)].map((value) => `${Math.round(value)}/s`)
    console.log(
      `| ${label} | ${shown.join(' | ')} | ${((100 * deviation) / mean).toFixed(1)} % | ${ends.join(' | ')} |`,
    )
    return mean
  }
  for (const { size, rates } of rows) line(size, rates)
  return line(
    'total',
    rows.flatMap(({ rates }) => rates),
  )
}

if (process.send) {
  // The child: everything that answers.
  const [clientKey] = await once(process, 'message')
  const local = net
    .createServer((socket) =>
      socket
        .setNoDelay(true)
        .pipe(socket)
        .on('error', () => {}),
    )
    .listen(0, '127.0.0.1')
  await once(local, 'listening')
  const server = await startWireGuardServer({
    host: '127.0.0.1',
    port: 0,
    privateKey: generatePrivateKey(),
    peers: [{ publicKey: clientKey }],
    onConnection: (stream) => {
      stream.on('error', () => {})
      stream.on('data', (chunk) => stream.write(chunk))
    },
  })
  process.send({ local: local.address().port, port: server.port, publicKey: server.publicKey })
  process.on('message', () => process.send({ rss: process.memoryUsage.rss() }))
} else {
  const child = fork(new URL(import.meta.url))
  const key = generatePrivateKey()
  child.send(publicKey(key))
  const [{ local, port, publicKey: serverKey }] = await once(child, 'message')
  const client = await startWireGuardServer({
    host: '127.0.0.1',
    port: 0,
    privateKey: key,
    addresses: ['10.0.0.1'],
    peers: [{ publicKey: serverKey, allowedIps: ['0.0.0.0/0'], endpoint: `127.0.0.1:${port}` }],
  })
  const kernel = table(
    'Local (node:net, loopback)',
    await measure(async () => {
      const socket = net.connect(local, '127.0.0.1').setNoDelay(true)
      await once(socket, 'connect')
      return socket
    }),
  )
  const tunnel = table(
    'Through the tunnel (midwire at both ends, loopback)',
    await measure(async () => {
      const stream = client.connect({ host: '192.0.2.7', port: 7 })
      await once(stream, 'connect')
      return stream
    }),
  )
  child.send('rss')
  const [{ rss }] = await once(child, 'message')
  console.log(
    `\nTunnel to local: ${(tunnel / kernel).toFixed(2)}. Resident memory of the server afterwards: ${Math.round(rss / 1e6)} MB.`,
  )
  await client.close()
  child.kill()
}
