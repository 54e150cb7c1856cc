// The addon's contexts of handshakes with clients: those that were used last are kept.
import { hash } from 'node:crypto'
import { type NativeKey, type NativeServerTls, native } from '../native/load.js'
import { pkcs8 } from './pem-der.js'
import { Recent } from './recent.js'
import { type TlsSettings, versionsOf } from './settings.js'

/** Everything that contexts differ in. */
export interface ContextNeeds {
  /** Names the leaf and the settings. A session is resumed only where this is the same. */
  readonly id: string
  readonly alpn: string | undefined
  readonly asks: boolean
  readonly logsKeys: boolean
  readonly settings: TlsSettings
}

/** The certificate that a client gets. */
export interface Leaf {
  /** DER, the leaf first. */
  readonly chain: readonly Buffer[]
  /** PEM. */
  readonly key: string
  /** Seconds since the epoch. */
  readonly renewAt: number
}

interface Kept {
  readonly tls: NativeServerTls
  readonly renewAt: number
}

/** Keys that are kept: scripts may bring any number. */
const MAX_KEYS = 100

export class NativeContexts {
  readonly #contexts: Recent<string, Kept>
  /** One for each kind of leaf, and those of the user's own, by their PEM. */
  readonly #keys = new Recent<string, NativeKey>(MAX_KEYS)

  constructor(limit: number) {
    this.#contexts = new Recent(limit)
  }

  /** The context for these needs; `leaf` is called where there is none yet. Undefined where the addon has none of the versions. */
  get({ id, alpn = '', asks, logsKeys, settings }: ContextNeeds, leaf: () => Leaf): NativeServerTls | undefined {
    const versions = versionsOf(settings)
    if (!versions.tls12 && !versions.tls13) return undefined
    const name = `${id}\n${alpn}\n${logsKeys}`
    const kept = this.#contexts.get(name)
    if (kept && kept.renewAt > Date.now() / 1000) return kept.tls
    const { chain, key, renewAt } = leaf()
    const scope = hash('sha256', id, 'buffer')
    const tls = new (native().NativeServerTls)([...chain], this.#keyOf(key), alpn, versions, asks, scope, logsKeys)
    this.#contexts.set(name, { tls, renewAt })
    return tls
  }

  #keyOf(text: string): NativeKey {
    const kept = this.#keys.get(text)
    if (kept) return kept
    const key = new (native().NativeKey)(pkcs8(text))
    this.#keys.set(text, key)
    return key
  }
}
