// A server on the fake addon, and small things that tests wait for.
import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { startWireGuardServer, type WireGuardServer, type WireGuardServerOptions } from '../../src/index.js'
import { FakeNativeServer, useFakeNative } from './fake-native.js'

useFakeNative()

export const key = () => randomBytes(32).toString('base64')

export interface Faked {
  server: WireGuardServer
  native: FakeNativeServer
}

export async function startFake(options: Partial<WireGuardServerOptions> = {}): Promise<Faked> {
  const server = await startWireGuardServer({ privateKey: key(), port: 0, peers: [{ publicKey: key() }], ...options })
  const native = FakeNativeServer.started.find(({ port }) => port === server.port)
  if (!native) throw new Error('the fake addon was not used')
  return { server, native }
}

/** Lets doorbells, ticks and what follows from them happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await setImmediate()
}
