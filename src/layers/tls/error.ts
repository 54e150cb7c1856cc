// The error for a wrong ClientHello.

/** The client's bytes are not a ClientHello, or it is malformed. `message` says why. */
export class ClientHelloError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ClientHelloError'
  }
}
