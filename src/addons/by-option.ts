// The built-in addons that exist only while an option has a value, in the order in which they run. Without the value no hook is theirs.
import type { Addon, LogLevel } from '../hooks.js'
import type { OptionName, Options } from '../options/definitions.js'
import { proxyauth } from './proxyauth.js'

/** The services of the proxy for these addons. */
export interface Surroundings {
  log(level: LogLevel, message: string): void
  /** The path that a user has written: `~` is the home directory. */
  path(written: string): string
  /**
   * Counts work that the command stays for until the promise is settled: a file that is read, flows that are replayed. Call it in
   * the hook `running` at the latest. Where the promise is rejected, the error is logged, and the command ends with 1.
   */
  job(work: PromiseLike<unknown>): void
}

/** An option with its addon. `make` throws ERR_OPTION for a value that is wrong. */
export type ByOption = {
  [Name in OptionName]: {
    readonly option: Name
    make(value: NonNullable<Options[Name]>, surroundings: Surroundings): Addon
  }
}[OptionName]

export const BY_OPTION: readonly ByOption[] = [{ option: 'proxyauth', make: proxyauth }]
