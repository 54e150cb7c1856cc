// Connects to a host: finds its addresses, tries them by Happy Eyeballs, and keeps the first connection.
import { isIP } from 'node:net'
import type { Destination, Source } from '../layers/route.js'
import type { Transport } from '../transports/transport.js'
import type { Endpoint, Exit } from './exits/exit.js'
import { codeOf } from './explain.js'
import { Eyeballs, type Family } from './eyeballs.js'
import type { Answer } from './names.js'

/** Milliseconds for all of it: the look-up, and every address. */
const CONNECT_MILLISECONDS = 30_000

/** The reason of attempts that are ended because another has succeeded, or because time is up. */
const CANCELLED = 'cancelled'

/** Codes that tell least of a server: this machine has no way to addresses of that family. */
const NO_WAY = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** Connects by an exit. Rejects with Node's errors, for a server with several addresses with the one that tells most; ECANCELED where `signal` aborts. */
export function connectTo(
  exit: Exit,
  { host, port, transport }: Destination,
  from: Source | undefined,
  signal: AbortSignal,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const families: readonly Family[] = from === undefined ? [6, 4] : [isIP(from.address) as Family]
    const errors: unknown[] = []
    /** Ends the attempts that are under way when another has succeeded, or when time is up. */
    const others = new AbortController()
    let underWay = 0
    let settled = false
    let delay: NodeJS.Timeout | undefined
    const settle = () => {
      settled = true
      clearTimeout(delay)
      clearTimeout(late)
      signal.removeEventListener('abort', cancel)
      // Without a reason, Node makes an error for it with its stack.
      if (underWay > 0) others.abort(CANCELLED)
    }
    const fail = (error: unknown) => {
      if (settled) return
      settle()
      reject(error)
    }
    const failure = (code: string) => Object.assign(new Error(`connect ${code} ${host}:${port}`), { code })
    const cancel = () => fail(failure('ECANCELED'))
    const late = setTimeout(() => fail(failure('ETIMEDOUT')), CONNECT_MILLISECONDS)

    const connect = async (endpoint: Endpoint): Promise<Transport> => {
      underWay += 1
      try {
        return await exit.connect(endpoint, { from, signal: others.signal })
      } finally {
        underWay -= 1
      }
    }
    const attempt = async (address: string): Promise<void> => {
      if (settled) return
      try {
        const endpoint = { address, port, transport }
        if (exit.isOwn(endpoint)) throw failure('LOOP')
        const connected = await connect(endpoint)
        const { remote } = connected
        const own = remote !== undefined && exit.isOwn({ ...endpoint, ...remote })
        if (settled || own) connected.reset()
        if (own) throw failure('LOOP')
        if (settled) return
        settle()
        resolve(connected)
      } catch (error) {
        if (settled) return
        errors.push(error)
        eyeballs.failed()
      }
    }
    const eyeballs = new Eyeballs(families, {
      // An attempt may fail at once, and the Eyeballs must not be told of that within the call.
      begin: (address) => queueMicrotask(() => void attempt(address)),
      delay(milliseconds) {
        clearTimeout(delay)
        if (milliseconds !== undefined) delay = setTimeout(() => eyeballs.elapsed(), milliseconds)
      },
      exhausted: () => fail(mostTelling(errors) ?? noAddress(from)),
    })
    const told = ({ families: answered, found }: Answer) => {
      if (settled) return
      if (found instanceof Error) errors.push(found)
      eyeballs.found(answered, found instanceof Error ? [] : found)
    }
    signal.addEventListener('abort', cancel)
    if (signal.aborted) cancel()
    else exit.find(host, families, told)
  })
}

/** The error that tells most: that an address is midwire's own; else an answer from the server's side; else the first one. */
function mostTelling(errors: readonly unknown[]): unknown {
  return (
    errors.find((error) => codeOf(error) === 'LOOP') ??
    errors.find((error) => !NO_WAY.has(codeOf(error)) && !isNameError(error)) ??
    errors.find((error) => !isNameError(error)) ??
    errors.find((error) => codeOf(error) === 'EAI_AGAIN') ??
    errors[0]
  )
}

const isNameError = (error: unknown): boolean => ['ENOTFOUND', 'EAI_AGAIN'].includes(codeOf(error))

function noAddress(from: Source | undefined): Error {
  const what = from?.isForeign ? "the client's, which spoof_source_address keeps," : 'connect_addr'
  const message =
    from === undefined
      ? 'the name has no address'
      : `it has no IPv${isIP(from.address)} address, and ${what} is one: ${from.address}`
  return Object.assign(new Error(message), { code: 'FAMILY' })
}
