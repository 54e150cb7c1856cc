// HAR 1.2 as a schema, written down from its specification, and a check of values against it: independent of midwire's own writer and reader.

type Schema =
  | { readonly type: 'string' | 'number' | 'integer' | 'boolean'; readonly pattern?: RegExp; readonly least?: number }
  | { readonly type: 'array'; readonly items: Schema }
  | { readonly type: 'object'; readonly required: Schemas; readonly optional?: Schemas }

interface Schemas {
  readonly [name: string]: Schema
}

const string = { type: 'string' } as const
const boolean = { type: 'boolean' } as const
const size = { type: 'integer', least: -1 } as const
const time = { type: 'number', least: -1 } as const
const date = { type: 'string', pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$/ } as const
const object = (required: Schemas, optional: Schemas = {}): Schema => ({
  ...{ type: 'object', required, optional: { ...optional, comment: string } },
})
const list = (items: Schema): Schema => ({ type: 'array', items })

const pair = object({ name: string, value: string })
const cookie = object(
  { name: string, value: string },
  { path: string, domain: string, expires: date, httpOnly: boolean, secure: boolean },
)
const body = object({ mimeType: string }, { text: string, params: list(object({ name: string }, { value: string })) })

const request = object(
  {
    ...{ method: string, url: { type: 'string', pattern: /^(https?|wss?):\/\// }, httpVersion: string },
    ...{ cookies: list(cookie), headers: list(pair), queryString: list(pair), headersSize: size, bodySize: size },
  },
  { postData: body },
)

const response = object({
  ...{
    status: { type: 'integer' },
    statusText: string,
    httpVersion: string,
    cookies: list(cookie),
    headers: list(pair),
  },
  content: object(
    { size: { type: 'integer' }, mimeType: string },
    { compression: { type: 'integer' }, text: string, encoding: string },
  ),
  ...{ redirectURL: string, headersSize: size, bodySize: size },
})

const har = object({
  log: object(
    {
      version: { type: 'string', pattern: /^1\.2$/ },
      creator: object({ name: string, version: string }),
      entries: list(
        object(
          {
            ...{ startedDateTime: date, time: { type: 'number', least: 0 }, request, response },
            cache: object({}),
            timings: object(
              { send: time, wait: time, receive: time },
              { blocked: time, dns: time, connect: time, ssl: time },
            ),
          },
          { pageref: string, serverIPAddress: string, connection: string },
        ),
      ),
    },
    { pages: list(object({ startedDateTime: date, id: string, title: string })) },
  ),
})

/** What is wrong with a HAR, by place. Names that begin with an underscore are free; others that the specification lacks are wrong. */
export const harFaults = (value: unknown): string[] => faults(value, har, 'har')

function faults(value: unknown, schema: Schema, place: string): string[] {
  if (schema.type === 'array') {
    if (!Array.isArray(value)) return [`${place} is no array`]
    return value.flatMap((one, index) => faults(one, schema.items, `${place}[${index}]`))
  }
  if (schema.type === 'object') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${place} is no object`]
    const known: Schemas = { ...schema.required, ...schema.optional }
    const missing = Object.keys(schema.required).filter((name) => !(name in value))
    const present = Object.entries(value).filter(([name]) => !name.startsWith('_'))
    return [
      ...missing.map((name) => `${place}.${name} is missing`),
      ...present.flatMap(([name, one]) => {
        const inner = known[name]
        return inner ? faults(one, inner, `${place}.${name}`) : [`${place}.${name} is unknown`]
      }),
    ]
  }
  const { type, pattern, least } = schema
  const isRight = type === 'integer' ? Number.isInteger(value) : typeof value === type
  if (!isRight) return [`${place} is ${JSON.stringify(value)}, no ${type}`]
  if (pattern && !pattern.test(String(value))) return [`${place} is ${JSON.stringify(value)}`]
  return least !== undefined && Number(value) < least ? [`${place} is ${value}`] : []
}
