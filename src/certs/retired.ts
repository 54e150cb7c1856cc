// Contexts that are not kept any longer, closed by hand: V8 sees an object of a few bytes in each and collects them late, while
// OpenSSL has 27 KB in each.
import type { SecureContext } from 'node:tls'

/** A context is closed after one to two of these. A handshake that has begun holds what it needs. */
const TURN_MILLISECONDS = 100

export class RetiredContexts {
  #young: SecureContext[] = []
  #old: SecureContext[] = []
  #waiting = false

  add(context: SecureContext): void {
    this.#young.push(context)
    this.#wait()
  }

  #wait(): void {
    if (this.#waiting) return
    this.#waiting = true
    setTimeout(() => {
      this.#waiting = false
      for (const { context } of this.#old) (context as { close?: () => void }).close?.()
      this.#old = this.#young
      this.#young = []
      if (this.#old.length > 0) this.#wait()
    }, TURN_MILLISECONDS).unref()
  }
}
