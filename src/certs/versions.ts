// The versions of TLS: Node's name for each name in the options.
import type { SecureVersion } from 'node:tls'

/** The option's value UNBOUNDED is no version, and has no entry. */
export const VERSIONS: Record<string, SecureVersion | undefined> = {
  TLS1: 'TLSv1',
  TLS1_1: 'TLSv1.1',
  TLS1_2: 'TLSv1.2',
  TLS1_3: 'TLSv1.3',
}
