// The device of the demonstration: a WireGuard client that looks up names and requests pages through its tunnel.
import { once } from 'node:events'
import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import { startWireGuardServer, type WireGuardServer } from '../index.js'
import { HOST_NAME } from './demo-site.js'

export interface DeviceRequest {
  readonly address: string
  readonly port: number
  readonly path: string
  readonly method?: string
  readonly body?: string
  /** True for HTTPS. */
  readonly secure?: boolean
}

export interface DeviceResponse {
  readonly status: number | undefined
  readonly body: string
}

type AnswerHandler = (answer: Buffer) => void

export class Device {
  readonly #client: WireGuardServer
  readonly #authority: string
  readonly #address: string
  readonly #resolver: string
  readonly #waiting: AnswerHandler[]

  /** `config` is the text that a phone would scan, and `authority` the certificate that a user would install on the phone. */
  static async start(config: string, authority: string): Promise<Device> {
    const field = (name: string) => new RegExp(`^${name} = ([^,\n]+)`, 'm').exec(config)?.[1] ?? ''
    const waiting: AnswerHandler[] = []
    const [address = ''] = field('Address').split('/')
    const client = await startWireGuardServer({
      host: '127.0.0.1',
      port: 0,
      privateKey: field('PrivateKey'),
      addresses: [address],
      peers: [{ publicKey: field('PublicKey'), allowedIps: ['0.0.0.0/0'], endpoint: field('Endpoint') }],
      onDatagram: ({ data }) => waiting.shift()?.(data),
    })
    return new Device(client, authority, address, field('DNS'), waiting)
  }

  private constructor(
    client: WireGuardServer,
    authority: string,
    address: string,
    resolver: string,
    waiting: AnswerHandler[],
  ) {
    this.#client = client
    this.#authority = authority
    this.#address = address
    this.#resolver = resolver
    this.#waiting = waiting
  }

  /** Asks the resolver of the tunnel for the first IPv4 address of a name. */
  async lookUp(name: string): Promise<string> {
    const answered = new Promise<Buffer>((resolve) => this.#waiting.push(resolve))
    const question = Buffer.concat([
      // The header (RFC 1035, 4.1.1): an ID, recursion desired, one question.
      Buffer.from([0x4d, 0x57, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
      ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
      Buffer.from([0, 0, 1, 0, 1]),
    ])
    this.#client.sendDatagram(question, { address: this.#address, port: 5353 }, { address: this.#resolver, port: 53 })
    const answer = await answered
    // The address follows after the question and twelve bytes: a compressed name, the type, class, TTL and length.
    return answer.subarray(question.length + 12, question.length + 16).join('.')
  }

  async request({ address, port, path, method = 'GET', body, secure = false }: DeviceRequest): Promise<DeviceResponse> {
    const stream = this.#client.connect({ host: address, port })
    const connection: Duplex = secure ? connect({ socket: stream, servername: HOST_NAME, ca: this.#authority }) : stream
    // An error within the conversation is thrown by what waits for its parts. One that comes after the answer is of no consequence.
    for (const one of new Set([stream, connection])) one.on('error', () => {})
    await once(connection, secure ? 'secureConnect' : 'connect')
    const headers = { host: `${HOST_NAME}:${port}`, 'user-agent': 'midwire-demo', connection: 'close' }
    const asked = request({ createConnection: () => connection, method, path, headers })
    asked.on('error', () => {})
    asked.end(body)
    const [response] = await once(asked, 'response')
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    return { status: response.statusCode, body: Buffer.concat(chunks).toString() }
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}
