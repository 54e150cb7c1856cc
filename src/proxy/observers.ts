// What gets to see connections from below, where somebody has asked for it: the log of TLS secrets, and the capture.
import { Capture } from './capture.js'
import { KeyLog, type SecretLog } from './key-log.js'

export class Observers {
  /** Gets the secrets of TLS connections; undefined where nobody has asked for them. */
  readonly keyLog: SecretLog | undefined
  /** Writes what passes connections to a file; undefined where nobody has asked for it. */
  readonly capture: Capture | undefined
  readonly #file: KeyLog | undefined

  /** `path`: the file of the capture. `warn` is called for files that cannot be written, or not fast enough. */
  constructor(path: string | undefined, warn: (message: string) => void) {
    this.#file = KeyLog.ofEnvironment(warn)
    this.capture = path ? new Capture(path, warn) : undefined
    const logs = [this.#file, this.capture].filter((log) => log !== undefined)
    this.keyLog = logs.length > 0 ? { add: (line) => logs.forEach((log) => void log.add(line)) } : undefined
  }

  /** Rejects with ERR_OPTION where the capture's file cannot be opened. */
  async begin(): Promise<void> {
    await this.capture?.begin()
  }

  /** Writes what is left, and closes the files. Never rejects. */
  async close(): Promise<void> {
    await this.#file?.close()
    await this.capture?.close()
  }
}
