// An undici dispatcher that sends a program's own requests through the proxy. undici is the program's: a peer, loaded when it is asked for.
import { MidwireError } from '../errors.js'

type DispatcherOf<Init> = 'dispatcher' extends keyof Init
  ? NonNullable<Init['dispatcher' & keyof Init]>
  : // biome-ignore lint/suspicious/noExplicitAny: there is no type here that undici's own functions would take
    any

/** What Node's `fetch` takes as `dispatcher`. In a program with the types of browsers, whose `fetch` takes none, it has no type. */
export type FetchDispatcher = DispatcherOf<RequestInit>

/** An undici ProxyAgent that trusts the authority, whose certificate `ca` is. Rejects with ERR_ARGUMENT where undici is not there. */
export async function proxyAgent(uri: string, ca: string): Promise<unknown> {
  const undici = await import('undici').catch((cause: unknown) => {
    const why = 'dispatcher() needs the package undici, which is not there: npm install --save-dev undici'
    throw new MidwireError('ERR_ARGUMENT', why, { cause })
  })
  return new undici.ProxyAgent({ uri, requestTls: { ca }, proxyTls: { ca } })
}
