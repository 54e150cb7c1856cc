// A resolve hook of Node's (node:module): `midwire` is one particular URL. Before Node 22.15 it runs in a thread of its own.

export type Resolve = (name: string, context: unknown, next: (name: string, context: unknown) => unknown) => unknown

export function ownResolver(url: string): Resolve {
  return (name, context, next) => (name === 'midwire' ? { url, shortCircuit: true } : next(name, context))
}

let resolver: Resolve | undefined

/** Called by Node in that thread, with what was registered. */
export function initialize(url: string): void {
  resolver = ownResolver(url)
}

export const resolve: Resolve = (name, context, next) =>
  resolver ? resolver(name, context, next) : next(name, context)
