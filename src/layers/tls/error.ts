// What goes wrong with a ClientHello.

/** What the client has sent is no ClientHello, or not one that may be believed. The message says why. */
export class ClientHelloError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ClientHelloError'
  }
}
