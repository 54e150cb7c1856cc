// Writes the secrets of TLS connections to the file that SSLKEYLOGFILE names, in NSS's format, so that Wireshark can decrypt what it has captured.
import { type FileHandle, open } from 'node:fs/promises'

/** Bytes that wait to be written: more come only where the disk is slower than the handshakes. Further lines are dropped, and counted. */
const MAX_WAITING = 1024 * 1024

/** The variables, the first that is set counts. mitmproxy's is MITMPROXY_SSLKEYLOGFILE. */
const VARIABLES = ['MIDWIRE_SSLKEYLOGFILE', 'SSLKEYLOGFILE'] as const

/** Takes the lines of a key log, each with its newline. */
export interface SecretLog {
  add(line: Buffer): void
}

export class KeyLog {
  readonly #path: string
  readonly #warn: (message: string) => void
  #file: Promise<FileHandle> | undefined
  #waiting: Buffer[] = []
  #bytes = 0
  /** Bytes that are being written now. */
  #writing: Promise<void> | undefined
  /** The file cannot be opened or written: nothing more is kept. */
  #failed = false
  #dropped = 0

  /** `warn` is called once for a file that cannot be written, and once for lines that were dropped. */
  constructor(path: string, warn: (message: string) => void) {
    this.#path = path
    this.#warn = warn
    // The file is opened at once, so that what is wrong with it is said at the start.
    this.#file = open(path, 'a', 0o600)
    this.#file.catch((error) => this.#fail(error))
  }

  /** The writer for the file that the environment names; undefined where it names none. */
  static ofEnvironment(warn: (message: string) => void, environment = process.env): KeyLog | undefined {
    const path = VARIABLES.map((name) => environment[name]).find((value) => value)
    return path === undefined ? undefined : new KeyLog(path, warn)
  }

  /** The lines that were not written. */
  get dropped(): number {
    return this.#dropped
  }

  /** Adds a line, with its newline. It is written later: no handshake waits for the disk. */
  add(line: Buffer): void {
    if (this.#failed) return
    if (this.#bytes + line.length > MAX_WAITING) {
      if (this.#dropped === 0)
        this.#warn(`${this.#path}: TLS secrets come faster than they are written, and some are left out`)
      this.#dropped += 1
      return
    }
    this.#waiting.push(line)
    this.#bytes += line.length
    this.#writing ??= this.#write()
  }

  /** Writes what is left, and closes the file. Never rejects. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file?.then((file) => file.close()).catch(() => {})
    this.#failed = true
  }

  async #write(): Promise<void> {
    try {
      const file = await this.#file
      while (this.#waiting.length > 0) {
        const lines = Buffer.concat(this.#waiting)
        this.#waiting = []
        // One call for whole lines: other programs may append to the same file.
        await file?.appendFile(lines)
        this.#bytes -= lines.length
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#writing = undefined
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#waiting = []
    this.#warn(`TLS secrets are not written to ${this.#path} (SSLKEYLOGFILE): ${(error as Error).message}`)
  }
}
