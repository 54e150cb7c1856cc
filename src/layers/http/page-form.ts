// The form of a page that a client wants, by its field Accept (RFC 9110, 12.5.1).

export type Form = 'text' | 'html' | 'json' | 'problem'

/** Forms and their media types. Where the client wants several alike, and names none of them itself, the first is taken. */
const FORMS: readonly (readonly [form: Form, matches: RegExp])[] = [
  ['text', /^text\/plain$/],
  // Clients of an API with a media type of its own read JSON, too.
  ['json', /^[^/]+\/((?!problem\+).+\+)?json$/],
  ['problem', /^application\/problem\+json$/],
  ['html', /^text\/html$/],
]

interface Range {
  readonly type: string
  readonly quality: number
}

/** The form for the value of an Accept field. Text where the field is missing, takes anything, or takes none of the forms. */
export function formFor(accept: string | undefined): Form {
  const ranges = rangesOf(accept ?? '')
  let best: { form: Form; quality: number; named: number; at: number } | undefined
  for (const [form, matches] of FORMS) {
    const wildcard = form === 'html' || form === 'text' ? 'text/*' : 'application/*'
    // The most specific range that covers a form says how much the client wants it.
    for (const [named, covers] of [
      [2, (type: string) => matches.test(type)],
      [1, (type: string) => type === wildcard],
      [0, (type: string) => type === '*/*'],
    ] as const) {
      const at = ranges.findIndex(({ type }) => covers(type))
      if (at === -1) continue
      const { quality } = ranges[at] as Range
      const found = { form, quality, named, at }
      if (quality > 0 && (!best || isBetter(found, best))) best = found
      break
    }
  }
  return best?.form ?? 'text'
}

type Found = { readonly quality: number; readonly named: number; readonly at: number }

function isBetter(a: Found, b: Found): boolean {
  if (a.quality !== b.quality) return a.quality > b.quality
  if (a.named !== b.named) return a.named > b.named
  return a.at < b.at
}

/** A comma, or a semicolon, outside of quoted strings (RFC 9110, 5.6.4). */
const parts = (text: string, mark: ',' | ';'): string[] =>
  text.match(mark === ',' ? /(?:"(?:[^"\\]|\\.)*"|[^,])+/g : /(?:"(?:[^"\\]|\\.)*"|[^;])+/g) ?? []

function rangesOf(accept: string): Range[] {
  return parts(accept, ',').map((range) => {
    const [type = '', ...parameters] = parts(range, ';').map((part) => part.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    // A weight that is none is taken for the default one.
    const quality = weight === undefined ? 1 : Number.parseFloat(weight.slice('q='.length))
    return { type, quality: quality >= 0 && quality <= 1 ? quality : 1 }
  })
}
