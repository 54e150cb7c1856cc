// Finds what is kept for a name or for a wildcard above it: certificates of the user's own.
import { plainAddress } from '../addresses.js'
import { MidwireError } from '../errors.js'
import { type Identity, readIdentity } from './identity.js'
import { dnsName } from './names.js'

/** The labels of a name that are tried as wildcards: more than any name has that can be looked up. */
const MAX_LABELS = 128

/** A name or an address in the spelling that certificates are looked up by; undefined for text that is neither. */
export const spelled = (text: string): string | undefined => plainAddress(text) ?? dnsName(text, true)

/** A name, then the wildcards that stand for it, the nearest first: `a.b.c`, `*.b.c`, `*.c`. */
export function forms(name: string): string[] {
  const labels = name.split('.')
  if (plainAddress(name) !== undefined || labels.length > MAX_LABELS) return [name]
  return [name, ...labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`)]
}

/** Certificates by the names that they are shown for. */
export class IdentitiesByName {
  readonly #byName = new Map<string, Identity>()

  /** The certificates of option `certs`, entries `[DOMAIN=]FILE`. Throws ERR_OPTION. */
  static of(entries: readonly string[], passphrase: string | undefined, expand: (path: string) => string) {
    const all = new IdentitiesByName()
    for (const entry of entries) {
      const [, domain = '*', path = ''] = /^(?:([^=/\\]*)=)?(.*)$/s.exec(entry) ?? []
      const name = domain === '*' ? domain : spelled(domain.trim())
      if (name === undefined && !/^\*\.[^.*]+$/.test(domain)) {
        throw new MidwireError(
          'ERR_OPTION',
          `certs: ${entry}: ${domain} is no name: write example.org=FILE, *.example.org=FILE or FILE`,
        )
      }
      const identity = readIdentity('certs', expand(path), passphrase)
      // As in mitmproxy, a certificate is also for the names that stand in it, unless an entry says so of another one.
      for (const own of identity.names) if (!all.#byName.has(own)) all.#byName.set(own, identity)
      all.#byName.set(name ?? domain.toLowerCase(), identity)
    }
    return all
  }

  add(name: string, identity: Identity): void {
    this.#byName.set(name, identity)
  }

  get size(): number {
    return this.#byName.size
  }

  /** The certificates, each once. */
  all(): Identity[] {
    return [...new Set(this.#byName.values())]
  }

  /** The certificate for the first of the names that has one, exact or by wildcard, else that for `*`. */
  find(names: readonly (string | undefined)[]): Identity | undefined {
    if (this.#byName.size === 0) return undefined
    for (const text of names) {
      const name = text === undefined ? undefined : spelled(text)
      for (const form of name === undefined ? [] : forms(name)) {
        const found = this.#byName.get(form)
        if (found) return found
      }
    }
    return this.#byName.get('*')
  }
}
