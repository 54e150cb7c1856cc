// Writes the revocation list of an authority that revokes nothing (RFC 5280, 5.1).
import type { KeyObject } from 'node:crypto'
import { implicit, integer, oid, sequence, tagged, time } from './der.js'
import { extension, signed } from './leaf-writer.js'

interface Issuer {
  readonly key: KeyObject
  readonly subject: Buffer
  readonly keyIdentifier: Buffer
}

const DAY = 86_400

/** The list is valid from two days ago, for ten years, because it never changes. */
export function emptyCrl({ key, subject, keyIdentifier }: Issuer): Buffer {
  const start = Math.floor(Date.now() / 1000) - 2 * DAY
  const identifier = extension(oid('2.5.29.35'), false, sequence(implicit(0, keyIdentifier)))
  const number = extension(oid('2.5.29.20'), false, integer(1))
  return signed(key, (algorithm) =>
    sequence(
      integer(1),
      algorithm,
      subject,
      time(start),
      time(start + 3650 * DAY),
      tagged(0, sequence(identifier, number)),
    ),
  )
}
