// Checks options by more than their types: values that are right alone may exclude each other.
import { MidwireError } from '../errors.js'
import type { Options } from './definitions.js'

/** Throws ERR_OPTION. */
export function checkTogether(options: Options): void {
  if (options.allow_hosts.length > 0 && options.ignore_hosts.length > 0) {
    throw new MidwireError('ERR_OPTION', 'allow_hosts and ignore_hosts exclude each other: give one of them')
  }
  // The value is not shown, because it may be a password.
  if (options.upstream_auth?.includes(':') === false) {
    throw new MidwireError('ERR_OPTION', 'upstream_auth is `user:password`, and the value has no colon')
  }
  for (const side of ['client', 'server'] as const) {
    const { [`tls_version_${side}_min` as const]: min, [`tls_version_${side}_max` as const]: max } = options
    if (max !== 'UNBOUNDED' && min !== 'UNBOUNDED' && min > max) {
      throw new MidwireError('ERR_OPTION', `tls_version_${side}_min is ${min}, and tls_version_${side}_max is ${max}`)
    }
  }
}
