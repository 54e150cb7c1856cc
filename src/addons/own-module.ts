// Whatever a script, or a package that it uses, imports as `midwire` is the midwire that runs it: wherever the script is, and
// whatever midwire is installed beside it. Another copy would have classes of its own, and `instanceof` would not hold.
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { ownResolver, type Resolve } from './own-resolver.js'

/** The package's entry; a URL, because what is in here is no business of this room. */
const OWN = new URL('../index.js', import.meta.url).href

/** Node 22.15 and newer; it sees `import` and `require`, in this thread. */
type RegisterHooks = (hooks: { readonly resolve: Resolve }) => unknown

let own: Promise<Record<string, unknown>> | undefined

/** What `midwire` exports, once Node gives that to everybody who asks for it. Nothing is done before the first call. */
export function ownModule(): Promise<Record<string, unknown>> {
  own ??= provide()
  return own
}

function provide(): Promise<Record<string, unknown>> {
  const { registerHooks } = nodeModule as { registerHooks?: RegisterHooks }
  if (registerHooks) registerHooks({ resolve: ownResolver(OWN) })
  else {
    nodeModule.register('./own-resolver.js', { parentURL: import.meta.url, data: OWN })
    provideRequire()
  }
  return import(OWN) as Promise<Record<string, unknown>>
}

/** Before Node 22.15 `require` is resolved here, and by nothing that can be registered. */
function provideRequire(): void {
  const commonJs = nodeModule.Module as unknown as { _resolveFilename: (name: string, ...rest: unknown[]) => string }
  const resolve = commonJs._resolveFilename
  const path = fileURLToPath(OWN)
  commonJs._resolveFilename = function (name, ...rest) {
    return name === 'midwire' ? path : resolve.call(this, name, ...rest)
  }
}
