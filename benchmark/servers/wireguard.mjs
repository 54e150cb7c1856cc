// midwire's server under test for the WireGuard harness: TCP echo, sink and source, and UDP echo, by destination port.
//
// 7000 TCP echo; 7001 sink (8 bytes of big-endian length, then that many bytes; it answers one byte); 7002 source
// (8 bytes of length in, that many bytes out); 7003 UDP echo; for any address. Environment: WG_KEYS (folder with
// server.key and client.pub), WG_PORT, MIDWIRE_BUFFER_SIZE (bytes).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startWireGuardServer } from '../../dist/index.js'

const key = (name) => readFileSync(join(process.env.WG_KEYS ?? '.', name), 'utf8').trim()
const zeros = Buffer.alloc(65_536)

function echo(stream) {
  stream.on('data', (chunk) => {
    if (!stream.write(chunk)) {
      stream.pause()
      stream.once('drain', () => stream.resume())
    }
  })
}

function sink(stream) {
  let left = -1
  stream.on('data', (chunk) => {
    let length = chunk.length
    if (left < 0) {
      left = Number(chunk.readBigUInt64BE(0))
      length -= 8
    }
    left -= length
    if (left <= 0) stream.end(Buffer.from([1]))
  })
}

function source(stream) {
  stream.once('data', (chunk) => {
    let left = Number(chunk.readBigUInt64BE(0))
    const go = () => {
      while (left > 0) {
        const piece = left < zeros.length ? zeros.subarray(0, left) : zeros
        left -= piece.length
        if (!stream.write(piece)) {
          stream.once('drain', go)
          return
        }
      }
      stream.end()
    }
    go()
  })
}

const services = { 7000: echo, 7001: sink, 7002: source }

const server = await startWireGuardServer({
  host: '0.0.0.0',
  port: Number(process.env.WG_PORT ?? 51_820),
  privateKey: key('server.key'),
  peers: [{ publicKey: key('client.pub'), allowedIps: ['10.0.0.1/32'] }],
  ...(process.env.MIDWIRE_CONGESTION && { congestion: process.env.MIDWIRE_CONGESTION }),
  ...(process.env.MIDWIRE_BUFFER_SIZE && { bufferSize: Number(process.env.MIDWIRE_BUFFER_SIZE) }),
  onConnection(stream) {
    stream.on('error', () => {})
    const serve = services[stream.destination.port]
    if (serve) serve(stream)
    else stream.resetAndDestroy()
  },
  onDatagram(datagram) {
    if (datagram.destination.port === 7003) datagram.reply(datagram.data)
    else datagram.refuse()
  },
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    if (process.env.MIDWIRE_COUNTERS) console.error(JSON.stringify(server.counters()))
    await server.close()
  })
}
