// Reads the text of an HTTP flow as it was written until its numbers stood before it: values with NUL between them.
import type { StoredBytes } from '../flow/body.js'
import type { HttpVersion } from '../flow/http-message.js'
import type { HttpRecord } from '../flow/record.js'
import { httpRecord, NONE } from './http-record.js'

/** Such a text begins so. */
export const OLD_HTTP_TEXT = 'h\0'

/** The values before those of the request's header fields, and before those of the response's from the response on. */
const BEFORE_FIELDS = 26
const RESPONSE = 7

/** The record of such a text, of a flow that began at `createdAt`. */
export function readOldHttpText(
  text: string,
  createdAt: number,
  short: readonly Buffer[],
  long: readonly StoredBytes[],
): HttpRecord {
  const values = text.split('\0')
  const value = (at: number) => values[at] ?? ''
  const time = (at: number) => (value(at) === '' ? undefined : createdAt + Number(value(at)))
  const stored = (at: number) => {
    const where = value(at)
    if (where === '') return undefined
    return where.startsWith('l') ? long[Number(where.slice(1))] : short[Number(where)]
  }
  const from = BEFORE_FIELDS + Number(value(BEFORE_FIELDS - 1))
  return httpRecord(
    {
      ...{ id: value(1), client: value(2), server: value(3), createdAt, endedAt: time(5), killed: value(6) !== '' },
      replayed: (value(7) || undefined) as HttpRecord['replayed'],
      ...{ marked: value(8), comment: value(9), error: value(10) === '' ? undefined : JSON.parse(value(10)) },
      protocol: value(18) === NONE ? undefined : value(18),
      request: {
        ...{ method: value(11), path: value(12), isSecure: value(13) === 'https', host: value(14) },
        ...{ port: Number(value(15)), absolute: value(16), authority: value(17), pseudoOrder: value(19) },
        ...{ version: value(20) as HttpVersion, startedAt: time(21), endedAt: time(22) },
        ...{ length: Number(value(23)), stored: stored(24), fields: values.slice(BEFORE_FIELDS, from) },
      },
      response:
        from >= values.length
          ? undefined
          : {
              ...{ status: Number(value(from)), reason: value(from + 1), version: value(from + 2) as HttpVersion },
              ...{ startedAt: time(from + 3), endedAt: time(from + 4), length: Number(value(from + 5)) },
              ...{ stored: stored(from + 6), fields: values.slice(from + RESPONSE) },
            },
    },
    short,
  )
}
