// A device that was given the printed client configuration: wireguard-go in a namespace of its own, with the tunnel's resolver.
import { Client } from './client.js'
import { type Midwire, plainEnvironment } from './midwire.js'
import type { Cable, Namespace, World } from './netns.js'
import { type Outcome, run } from './processes.js'

export interface Device {
  namespace: Namespace
  cable: Cable
  client: Client
  /** The addresses inside, IPv4 first. */
  addresses: string[]
  /** The resolver's, IPv4 first. */
  resolver: string[]
  /** Runs a program on the device. */
  run(
    command: readonly string[],
    options?: { env?: NodeJS.ProcessEnv; input?: string; timeout?: number },
  ): Promise<Outcome>
  curl(...args: string[]): Promise<Outcome>
}

/** The lines `Key = a, b` of a configuration for wg-quick. */
function parse(text: string): Record<string, string[]> {
  const lines = [...text.matchAll(/^\s*(\w+)\s*=\s*(.*?)\s*$/gm)]
  return Object.fromEntries(lines.map(([, key = '', value = '']) => [key, value.split(/\s*,\s*/)]))
}

/** A namespace that can reach midwire by cable only, and runs programs as a device does. */
export function bareDevice(namespace: Namespace): Pick<Device, 'run' | 'curl'> {
  const device: Pick<Device, 'run' | 'curl'> = {
    run: (command, { env, ...options } = {}) =>
      run('ip', namespace.command(...command), { ...options, env: plainEnvironment(env) }),
    curl: (...args) => device.run(['curl', '-sS', '--max-time', '30', ...args], { timeout: 40_000 }),
  }
  return device
}

/** Joins as the peer of that name, with what `midwire wg show` prints for it. */
export async function joinProxy(world: World, midwire: Midwire, name = 'default'): Promise<Device> {
  const { namespace, cable } = world.client()
  const shown = await midwire.command('wg', 'show', name)
  if (shown.code !== 0) throw new Error(`midwire wg show ${name}: ${shown.stderr}`)
  const { PrivateKey, PublicKey, Address = [], DNS = [] } = parse(shown.stdout.toString())
  if (!PrivateKey?.[0] || !PublicKey?.[0]) throw new Error(`midwire wg show ${name}: no keys in ${shown.stdout}`)
  const addresses = Address.map((one) => one.replace(/\/\d+$/, ''))
  // Which of the machine's addresses a client can reach only the test knows.
  const { port } = midwire.ready.listeners.find(({ mode }) => mode === 'wireguard') ?? {}
  const endpoint = `${cable.server.v4}:${port}`
  const client = new Client(namespace, { privateKey: PrivateKey[0], publicKey: PublicKey[0], endpoint, addresses })
  namespace.etc('resolv.conf', DNS.map((address) => `nameserver ${address}\n`).join(''))
  namespace.etc('hosts', '127.0.0.1 localhost\n')
  await client.start()
  return { namespace, cable, client, addresses, resolver: DNS, ...bareDevice(namespace) }
}
