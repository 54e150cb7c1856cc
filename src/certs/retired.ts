// Closes the contexts that the store has dropped. V8 sees only a few bytes of each and would collect them late, while OpenSSL holds
// 27 KB in each.
import type { SecureContext } from 'node:tls'

/** A context is closed after one to two of these turns. A handshake that has begun holds what it needs of the context by itself. */
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
