// The flows of one client connection that are throttled: the last one of them says how fast the connection is.
import type { ClientConnection } from '../connection.js'
import type { Flow, ThrottleLimits } from '../flow/flow.js'
import type { Link, Rate } from '../transports/throttled.js'

/** The most clients whose rates are kept for one set of limits. */
const MAX_CLIENTS = 1_000

/** The links of clients by the limits that they are made of: connections of one client share its rates. */
const links = new WeakMap<ThrottleLimits, Map<string, Link>>()

export class ThrottledFlows {
  readonly #client: ClientConnection
  readonly #changed: (link: Link | undefined) => void
  readonly #flows = new Map<Flow, Link>()

  /** `changed` is told what the connection is slowed to from now on; undefined for no more. */
  constructor(client: ClientConnection, changed: (link: Link | undefined) => void) {
    this.#client = client
    this.#changed = changed
  }

  add(flow: Flow, limits: ThrottleLimits): void {
    this.#flows.delete(flow)
    this.#flows.set(flow, linkOf(this.#client, limits))
    this.#tell()
  }

  delete(flow: Flow): void {
    if (this.#flows.delete(flow)) this.#tell()
  }

  #tell(): void {
    this.#changed([...this.#flows.values()].at(-1))
  }
}

function linkOf(client: ClientConnection, limits: ThrottleLimits): Link {
  const key = client.peer?.publicKey ?? client.remote.address
  const known = links.get(limits) ?? new Map<string, Link>()
  links.set(limits, known)
  const link = known.get(key) ?? made(limits)
  known.delete(key)
  known.set(key, link)
  const [oldest] = known.keys()
  if (known.size > MAX_CLIENTS && oldest !== undefined) known.delete(oldest)
  return link
}

const made = ({ down, up, latency = 0, loss = 0 }: ThrottleLimits): Link => ({
  down: rate(down),
  up: rate(up),
  latency: Math.max(0, latency),
  loss,
})

const rate = (bytesPerSecond: number | undefined): Rate | undefined =>
  bytesPerSecond === undefined ? undefined : { bytesPerSecond: Math.max(1, bytesPerSecond), free: 0 }
