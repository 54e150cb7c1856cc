// What gets to see connections from below, where somebody has asked for it: the log of TLS secrets, and the capture.
import { MidwireError } from '../errors.js'
import type { Options } from '../options/definitions.js'
import { Capture } from './capture.js'
import { KeyLog, type SecretLog } from './key-log.js'

export class Observers {
  /** Gets the secrets of TLS connections; undefined where nobody has asked for them. */
  readonly keyLog: SecretLog | undefined
  /** Writes what passes connections to a file; undefined where nobody has asked for it. */
  readonly capture: Capture | undefined
  readonly #file: KeyLog | undefined

  /**
   * `warn` is called for files that cannot be written, or not fast enough. Throws ERR_OPTION for a capture of what option `redact` is to
   * keep from all outputs: it has every byte.
   */
  constructor({ pcap_file: path, redact }: Pick<Options, 'pcap_file' | 'redact'>, warn: (message: string) => void) {
    if (path && redact.length > 0) {
      throw new MidwireError(
        'ERR_OPTION',
        'pcap_file writes every byte, also what redact names: give one of them alone',
      )
    }
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
