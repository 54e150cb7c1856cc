// Versions of TLS, as options name them and as Node does.
import type { SecureVersion } from 'node:tls'

/** UNBOUNDED is none of them. */
export const VERSIONS: Record<string, SecureVersion | undefined> = {
  TLS1: 'TLSv1',
  TLS1_1: 'TLSv1.1',
  TLS1_2: 'TLSv1.2',
  TLS1_3: 'TLSv1.3',
}
