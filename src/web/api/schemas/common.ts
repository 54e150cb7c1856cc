// Schemas that several endpoints share: ids, filters, pages of a list, errors.
import * as v from 'valibot'

/** The most rows in a window or a page of a list. */
export const MAX_ROWS = 1_000

/** The most flows that are named one by one. */
export const MAX_IDS = 10_000

const FILTER_LENGTH = 10_000

export const count = (least = 0, most = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))

export const line = (most = 1_000) => v.pipe(v.string(), v.maxLength(most))

/** An id of a flow; of a recorded one its first eight characters are enough. */
export const Id = v.pipe(v.string(), v.minLength(1), v.maxLength(100))

/** In the language of filters. */
export const Filter = v.pipe(v.string(), v.maxLength(FILTER_LENGTH))

export const FlowParams = v.object({ id: Id })

export const Part = v.picklist(['request', 'response'])

export const PartParams = v.object({ id: Id, part: Part })

export const MessageParams = v.object({ id: Id, index: count() })

/** Which flows are meant: ids, or a filter; one of them. */
export const Chosen = v.pipe(
  v.object({
    ids: v.optional(v.pipe(v.array(Id), v.maxLength(MAX_IDS))),
    filter: v.optional(Filter),
  }),
  v.check(({ ids, filter }) => (ids === undefined) !== (filter === undefined), 'either ids or filter'),
)

export const Counted = v.object({ flows: count() })

/** A text, or bytes in Base64. */
export const Content = v.union([v.object({ text: v.string() }), v.object({ base64: v.pipe(v.string(), v.base64()) })])

export const Milliseconds = v.number()

/** Every answer with a status from 400 on. */
export const Failure = v.object({
  error: v.object({
    /** One of midwire's error codes, or that of the API: `ERR_INPUT`, `ERR_UNAUTHORIZED`, `ERR_FORBIDDEN`, `ERR_NOT_FOUND` ... */
    code: v.string(),
    message: v.string(),
    /** Where the input is wrong: `body.limit`. */
    at: v.optional(v.string()),
  }),
})
