// An undici dispatcher that sends a program's own requests through the proxy. undici is the program's: a peer, loaded when it is asked for.
import { MidwireError } from '../errors.js'

/** What `fetch` takes as `dispatcher`. */
export type FetchDispatcher = NonNullable<RequestInit['dispatcher']>

/** An undici ProxyAgent that trusts the authority, whose certificate `ca` is. Rejects with ERR_ARGUMENT where undici is not there. */
export async function proxyAgent(uri: string, ca: string): Promise<FetchDispatcher> {
  const undici = await import('undici').catch((cause: unknown) => {
    const why = 'dispatcher() needs the package undici, which is not there: npm install --save-dev undici'
    throw new MidwireError('ERR_ARGUMENT', why, { cause })
  })
  return new undici.ProxyAgent({ uri, requestTls: { ca }, proxyTls: { ca } }) as unknown as FetchDispatcher
}
