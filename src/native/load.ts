// Loads the addon when it is first needed, and turns its errors into MidwireErrors. No other file imports the binding.
import { createRequire } from 'node:module'
import { type ErrorCode, MidwireError } from '../errors.js'
import type * as binding from './binding.cjs'

export type {
  NativeClientTls,
  NativeConnections,
  NativeKey,
  NativePeer,
  NativePeerStatus,
  NativeServer,
  NativeServerOptions,
  NativeServerTls,
  NativeSocketOptions,
  NativeTlsRoute,
  NativeTransparentUdp,
} from './binding.cjs'

let loaded: typeof binding | undefined

/** The addon. Throws ERR_NATIVE_MISSING where there is none for this platform. */
export function native(): typeof binding {
  loaded ??= load()
  return loaded
}

function load(): typeof binding {
  try {
    return createRequire(import.meta.url)('./binding.cjs')
  } catch (cause) {
    throw new MidwireError(
      'ERR_NATIVE_MISSING',
      `midwire's addon could not be loaded. Its package @midwire/binding-${platform()} is an optional dependency: ` +
        'install again without --omit=optional, remove a lock file that was made on another platform, ' +
        'or, in a clone, run `npm run build`',
      { cause },
    )
  }
}

/** The platform's part in the name of its package. */
function platform(): string {
  const name = `${process.platform}-${process.arch}`
  if (process.platform === 'win32') return `${name}-msvc`
  if (process.platform !== 'linux') return name
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return `${name}-${header?.glibcVersionRuntime ? 'gnu' : 'musl'}`
}

const CODES: Record<string, ErrorCode> = {
  BAD_ARGUMENT: 'ERR_ARGUMENT',
  ADDRESS_IN_USE: 'ERR_ADDRESS_IN_USE',
  ADDRESS_NOT_AVAILABLE: 'ERR_ADDRESS_NOT_AVAILABLE',
  PERMISSION_DENIED: 'ERR_PERMISSION',
  DUPLICATE_PEER: 'ERR_PEER_DUPLICATE',
  OVERLAPPING_ALLOWED_IPS: 'ERR_PEER_ADDRESSES',
  CLOSED: 'ERR_SERVER_CLOSED',
  NO_ROUTE: 'ERR_NO_ROUTE',
  EXHAUSTED: 'ERR_EXHAUSTED',
  PANIC: 'ERR_NATIVE_PANIC',
}

/** Calls into the addon. An error of the addon becomes a MidwireError, whose message begins with `doing`, if given. */
export function callNative<T>(call: () => T, doing?: string): T {
  try {
    return call()
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof MidwireError) throw cause
    const code = CODES[(cause as NodeJS.ErrnoException).code ?? ''] ?? 'ERR_NATIVE'
    throw new MidwireError(code, doing ? `${doing}: ${cause.message}` : cause.message, { cause })
  }
}
