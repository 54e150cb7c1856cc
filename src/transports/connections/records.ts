// The records of connections, in the layout of ../records.ts. src/native/connections/events.rs has the same numbers.

export const RISES = {
  opened: 1,
  data: 2,
  end: 3,
  lost: 4,
  writable: 5,
  closed: 6,
  connected: 12,
  secured: 20,
  failed: 21,
  secret: 22,
  cipher: 23,
  cipherEnd: 24,
  passed: 25,
} as const

export const FALLS = {
  write: 3,
  end: 5,
  reset: 6,
  close: 10,
  pause: 20,
  resume: 21,
  cipher: 22,
  cipherEnd: 23,
  splice: 24,
  part: 25,
} as const

/** What a handshake has agreed on. */
export interface Agreed {
  /** As OpenSSL writes it: `TLSv1.3`. */
  readonly version: string
  /** The IANA name: `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string
  /** Empty for none. */
  readonly alpn: string
  readonly isResumed: boolean
  /** The peer's, DER, the end entity's first. */
  readonly certificates: readonly Buffer[]
}

/** Why a session has failed. */
export interface Failed {
  readonly kind: 'alert' | 'certificate' | 'incompatible' | 'protocol' | 'truncated' | 'invalid'
  /** Of an alert of the peer's: its number (RFC 8446, 6). */
  readonly number: number
  /** Of others: what is wrong, in a few words. */
  readonly text: string
}

/** Reads values behind their lengths, one after the other. The buffers that it gives are copies. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  word(): number {
    this.#at += 4
    return this.#bytes.readUInt32LE(this.#at - 4)
  }

  bytes(): Buffer {
    const length = this.word()
    this.#at += length
    return Buffer.from(this.#bytes.subarray(this.#at - length, this.#at))
  }

  text(): string {
    return this.bytes().toString('latin1')
  }
}

export function readAgreed(payload: Buffer): Agreed {
  const reader = new Reader(payload)
  const version = reader.text()
  const cipher = reader.text()
  const alpn = reader.text()
  const isResumed = reader.word() === 1
  const certificates: Buffer[] = []
  while (!reader.isAtEnd) certificates.push(reader.bytes())
  return { version, cipher, alpn, isResumed, certificates }
}

export function readFailed(payload: Buffer): Failed {
  const reader = new Reader(payload)
  return { kind: reader.text() as Failed['kind'], number: reader.word(), text: reader.text() }
}
