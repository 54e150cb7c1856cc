// A resolve hook for node:module that resolves `midwire` to a given URL. Before Node 22.15 the hook runs in a thread of its own.

export type Resolve = (name: string, context: unknown, next: (name: string, context: unknown) => unknown) => unknown

export function ownResolver(url: string): Resolve {
  return (name, context, next) => (name === 'midwire' ? { url, shortCircuit: true } : next(name, context))
}

let resolver: Resolve | undefined

/** Node calls this in that thread, with the `data` of `nodeModule.register`. */
export function initialize(url: string): void {
  resolver = ownResolver(url)
}

export const resolve: Resolve = (name, context, next) =>
  resolver ? resolver(name, context, next) : next(name, context)
