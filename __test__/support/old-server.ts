// The first flight of a TLS 1.2 server of the old kind, by bytes: no library of today would send it.
import { getDiffieHellman, randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:net'
import type { ExecutionContext } from 'ava'
import { readClientHello } from '../../src/layers/tls/client-hello.js'
import { certificate, rsaKey } from './certificates.js'
import { bind } from './talk.js'

export interface Age {
  /** It answers the client's renegotiation_info (RFC 5746). Default true. */
  readonly secureRenegotiation?: boolean
  /** Bits of its Diffie-Hellman group. Default 2048. */
  readonly bits?: keyof typeof PRIMES
  /** What it signs its key exchange with. Default sha256. */
  readonly hash?: 'sha1' | 'sha256'
}

const PRIMES = {
  /** Made by `openssl dhparam 512`; its generator is 2, as the others' is. */
  512: 'ed92142c8ad98f96ff5093fbcdc78fb5f3dab4fa7ea93db7127c9a6212c2517bc7286b7d8992d77e728c0134a4511cd4af108e273ee7a4ead76decacf1546a0f',
  /** RFC 2409, 6.2; and RFC 3526, 3. */
  1024: 'modp2',
  2048: 'modp14',
}

/** Two to the 200th: node:crypto makes no keys in a group of 512 bits. */
const PUBLIC_KEY = Buffer.concat([Buffer.of(1), Buffer.alloc(25)])

const DHE_RSA_AES128_SHA = 0x0033
/** The alert of a server that has no suite in common with its client. */
const HANDSHAKE_FAILURE = Buffer.from([21, 3, 3, 0, 2, 2, 40])
const RENEGOTIATION_INFO = Buffer.from([0xff, 0x01, 0, 1, 0])
const CLIENT_KEY_EXCHANGE = 16

const own = certificate({ commonName: 'old.test', names: ['old.test'], key: rsaKey() })

const u16 = (value: number) => Buffer.from([value >> 8, value & 255])
const u24 = (value: number) => Buffer.from([value >> 16, (value >> 8) & 255, value & 255])
const vector16 = (bytes: Buffer) => Buffer.concat([u16(bytes.length), bytes])
const vector24 = (bytes: Buffer) => Buffer.concat([u24(bytes.length), bytes])

/** One handshake message in a record of TLS 1.2. */
function message(type: number, body: Buffer): Buffer {
  const whole = Buffer.concat([Buffer.from([type]), vector24(body)])
  return Buffer.concat([Buffer.from([22, 3, 3]), vector16(whole)])
}

/** RFC 5246, 7.4: ServerHello, Certificate, ServerKeyExchange, ServerHelloDone. */
function firstFlight(clientRandom: Buffer, { secureRenegotiation = true, bits = 2048, hash = 'sha256' }: Age): Buffer {
  const random = randomBytes(32)
  const extensions = secureRenegotiation ? vector16(RENEGOTIATION_INFO) : Buffer.alloc(0)
  const hello = Buffer.concat([u16(0x0303), random, Buffer.of(0), u16(DHE_RSA_AES128_SHA), Buffer.of(0), extensions])
  const group = PRIMES[bits]
  const prime = group.startsWith('modp') ? getDiffieHellman(group).getPrime() : Buffer.from(group, 'hex')
  const parameters = Buffer.concat([prime, Buffer.of(2), PUBLIC_KEY].map(vector16))
  const signature = sign(hash, Buffer.concat([clientRandom, random, parameters]), own.key)
  const algorithm = Buffer.from([hash === 'sha1' ? 2 : 4, 1])
  return Buffer.concat([
    message(2, hello),
    message(11, vector24(vector24(own.der))),
    message(12, Buffer.concat([parameters, algorithm, vector16(signature)])),
    message(14, Buffer.alloc(0)),
  ])
}

export interface OldServer {
  readonly port: number
  /** The suites that the first client has offered which has the server's own. */
  readonly suites: readonly number[]
  /** Settles once a client has gone on with its own key exchange (true), or has ended the handshake before it. */
  readonly accepted: Promise<boolean>
}

/** A server that sends its first flight, and closes the connection after the client's answer to it. */
export async function oldServer(t: ExecutionContext, age: Age): Promise<OldServer> {
  const suites: number[] = []
  let settle: (accepted: boolean) => void = () => {}
  const accepted = new Promise<boolean>((resolve) => {
    settle = resolve
  })
  const server = createServer((socket) => {
    let heard = Buffer.alloc(0)
    let answered = false
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      heard = Buffer.concat([heard, data])
      if (answered) {
        settle(heard[0] === 22 && heard[5] === CLIENT_KEY_EXCHANGE)
        socket.destroy()
        return
      }
      const hello = readClientHello(heard)
      if (!hello) return
      if (!hello.cipherSuites.includes(DHE_RSA_AES128_SHA)) {
        socket.end(HANDSHAKE_FAILURE)
        return
      }
      heard = Buffer.alloc(0)
      answered = true
      if (suites.length === 0) suites.push(...hello.cipherSuites)
      socket.write(firstFlight(hello.random, age))
    })
  })
  return { port: await bind(t, server), suites, accepted }
}
