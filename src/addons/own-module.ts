// Makes `midwire`, imported by a script or by a package that the script uses, the midwire that runs the script, even where another
// copy is installed beside the script. Another copy has classes of its own, and `instanceof` would be false.
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { ownResolver, type Resolve } from './own-resolver.js'

/** The entry of the package. It is a URL and not an import, because addons may not import the other rooms. */
const OWN = new URL('../index.js', import.meta.url).href

/** `module.registerHooks` of Node 22.15 and newer. Its hooks run in this thread, for `import` and for `require`. */
type RegisterHooks = (hooks: { readonly resolve: Resolve }) => unknown

let own: Promise<Record<string, unknown>> | undefined

/** The exports of `midwire`. From the first call on, every module that imports `midwire` gets them. */
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

/** Resolves `require`. Before Node 22.15 no hook can be registered for it, so this replaces a function of Node's. */
function provideRequire(): void {
  const commonJs = nodeModule.Module as unknown as { _resolveFilename: (name: string, ...rest: unknown[]) => string }
  const resolve = commonJs._resolveFilename
  const path = fileURLToPath(OWN)
  commonJs._resolveFilename = function (name, ...rest) {
    return name === 'midwire' ? path : resolve.call(this, name, ...rest)
  }
}
