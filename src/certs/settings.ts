// The settings of TLS that a user may choose, versions, cipher suites and groups, checked, and as OpenSSL takes them.
import { getCurves } from 'node:crypto'
import { createSecureContext, getCiphers, type SecureContextOptions } from 'node:tls'
import { MidwireError } from '../errors.js'
import type { Options } from '../options/definitions.js'
import { VERSIONS } from './versions.js'

/** What may be set for either leg. Undefined is the default of that leg. */
export interface TlsSettings {
  readonly minVersion?: Options['tls_version_client_min'] | undefined
  readonly maxVersion?: Options['tls_version_client_max'] | undefined
  /** A list of OpenSSL's, `ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA`; with those of TLS 1.3, or without. */
  readonly ciphers?: string | undefined
  /** Names with colons between, `X25519:P-256`. */
  readonly curves?: string | undefined
}

/** The suites of TLS 1.3, which a list without any leaves as they are. */
const TLS_1_3 = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'

/** Groups that OpenSSL has beside its curves. */
const MORE_GROUPS = ['X25519', 'X448', 'ffdhe2048', 'ffdhe3072', 'ffdhe4096', 'ffdhe6144', 'ffdhe8192']

/** The versions, as options of a SecureContext. */
export function versionRange({ minVersion = 'TLS1_2', maxVersion = 'UNBOUNDED' }: TlsSettings): SecureContextOptions {
  const max = VERSIONS[maxVersion]
  return { minVersion: VERSIONS[minVersion] ?? 'TLSv1', ...(max && { maxVersion: max }) }
}

/** The versions of which the addon has both. */
export function versionsOf({ minVersion = 'TLS1_2', maxVersion = 'UNBOUNDED' }: TlsSettings) {
  return {
    tls12:
      minVersion !== 'TLS1_3' && (maxVersion === 'TLS1_2' || maxVersion === 'TLS1_3' || maxVersion === 'UNBOUNDED'),
    tls13: maxVersion === 'TLS1_3' || maxVersion === 'UNBOUNDED',
  }
}

/** Whether the lowest version is one that OpenSSL has only at security level 0. */
export const isOld = ({ minVersion = 'TLS1_2' }: TlsSettings): boolean =>
  minVersion !== 'TLS1_2' && minVersion !== 'TLS1_3'

/** A list of suites as OpenSSL gets it. `level`: the security level, where the list names none; undefined for OpenSSL's default. */
export function suites(ciphers: string, level: number | undefined): string {
  const whole = /(^|:)TLS_/.test(ciphers) ? ciphers : `${TLS_1_3}:${ciphers}`
  // OpenSSL takes no list with a level alone.
  const hasOlder = whole.split(':').some((name) => !/^(TLS_|@)/.test(name))
  return level === undefined || !hasOlder || /@SECLEVEL=/i.test(ciphers) ? whole : `${whole}:@SECLEVEL=${level}`
}

/** Throws ERR_OPTION for suites that OpenSSL does not have; the sentence lists those that it has. */
export function checkCiphers(label: string, ciphers: string | undefined): void {
  if (ciphers === undefined) return
  for (const part of ciphers.split(':')) {
    const name = part.replace(/^[-+!]/, '')
    if (/^@(STRENGTH|SECLEVEL=[0-5])$/.test(part) || isTaken({ ciphers: name })) continue
    const known = getCiphers().map((one) => one.toUpperCase())
    throw new MidwireError(
      'ERR_OPTION',
      `${label}: ${shown(part)} is no cipher suite. OpenSSL has: ${known.join(', ')}`,
    )
  }
  if (!isTaken({ ciphers })) throw new MidwireError('ERR_OPTION', `${label}: the list leaves no cipher suite`)
}

/** Throws ERR_OPTION for groups that OpenSSL does not have; the sentence lists those that it has. */
export function checkCurves(label: string, curves: string | undefined): void {
  for (const name of curves?.split(':') ?? []) {
    if (name !== '' && isTaken({ ecdhCurve: name })) continue
    const known = [...getCurves(), ...MORE_GROUPS].filter((one) => isTaken({ ecdhCurve: one }))
    throw new MidwireError('ERR_OPTION', `${label}: ${shown(name)} is no group. OpenSSL has: ${known.join(', ')}`)
  }
}

function isTaken(options: SecureContextOptions): boolean {
  try {
    createSecureContext({ ca: [], ...options })
    return true
  } catch {
    return false
  }
}

const shown = (text: string) => JSON.stringify(text.slice(0, 100))
