// How a client introduces itself: SETTINGS, window, priorities and the order of pseudo-header fields, and the usual text of these.

/** A PRIORITY frame, or the priority of HEADERS (RFC 7540, 6.3). `weight` is from 1 to 256. */
export interface Priority {
  stream: number
  exclusive: boolean
  dependency: number
  weight: number
}

/** PRIORITY frames that are remembered. Firefox sends six. */
export const MAX_PRIORITIES = 32

export class Fingerprint {
  /** Ids and values in the order of the first SETTINGS frame. */
  settings: readonly (readonly [number, number])[] = []
  /** The connection's first WINDOW_UPDATE before the first request; 0 if there was none. */
  windowUpdate = 0
  /** The PRIORITY frames before the first request, at most MAX_PRIORITIES. */
  readonly priorities: Priority[] = []
  /** The priority that the first request's HEADERS had. */
  headPriority: Priority | undefined
  /** The order of the first request's pseudo-header fields: `m,a,s,p`. */
  pseudoOrder = ''
  /** The first request has come, and nothing changes any more. */
  complete = false
  /** The first SETTINGS frame has come. */
  begun = false

  begin(settings: readonly (readonly [number, number])[]): void {
    this.begun = true
    this.settings = settings
  }

  /** `1:65536;2:0;4:6291456|15663105|0|m,a,s,p`, as Akamai has proposed it; `00` where there was no WINDOW_UPDATE. */
  get text(): string {
    const settings = this.settings.map(([id, value]) => `${id}:${value}`).join(';')
    const priorities = this.priorities
      .map((one) => `${one.stream}:${one.exclusive ? 1 : 0}:${one.dependency}:${one.weight}`)
      .join(',')
    return `${settings}|${this.windowUpdate || '00'}|${priorities || '0'}|${this.pseudoOrder}`
  }
}
