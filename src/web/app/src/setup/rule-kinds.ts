// The options that are lists of rules, the fields of a rule of each, and how its text is made of them. The first character of a text separates its parts.

export interface RuleField {
  readonly name: string
  readonly placeholder: string
  readonly needed?: boolean
}

export interface RuleKind {
  readonly option: string
  readonly title: string
  readonly does: string
  readonly fields: readonly RuleField[]
  /** A text without a filter has no separator. */
  readonly bare?: boolean
  /** Every rule has a filter. */
  readonly filtered?: boolean
}

const filter: RuleField = { name: 'Filter', placeholder: 'all flows' }
const url: RuleField = { name: 'URL matches', placeholder: 'example\\.com/api', needed: true }

export const RULE_KINDS: readonly RuleKind[] = [
  {
    option: 'map_local',
    title: 'Map local',
    does: 'answers with a file, or with those of a directory',
    fields: [filter, url, { name: 'File or directory', placeholder: '/path/to/file.json', needed: true }],
  },
  {
    option: 'map_remote',
    title: 'Map remote',
    does: 'sends requests elsewhere',
    fields: [filter, url, { name: 'Replaced by', placeholder: 'localhost:3000/api' }],
  },
  {
    option: 'modify_headers',
    title: 'Modify headers',
    does: 'takes a field away, and puts another there where there is a value',
    fields: [
      filter,
      { name: 'Field', placeholder: 'User-Agent', needed: true },
      { name: 'Value', placeholder: 'none: the field is taken away' },
    ],
  },
  {
    option: 'modify_body',
    title: 'Modify bodies',
    does: 'replaces what matches in bodies; @FILE is what is in a file',
    fields: [
      filter,
      { name: 'Matches', placeholder: '"beta":\\s*false', needed: true },
      { name: 'Replaced by', placeholder: '"beta": true' },
    ],
  },
  {
    option: 'block_list',
    title: 'Block',
    does: 'refuses requests with a status; 444 closes the connection without an answer',
    fields: [
      { ...filter, placeholder: '~d ads.example' },
      { name: 'Status', placeholder: '404', needed: true },
    ],
    filtered: true,
  },
  {
    option: 'throttle',
    title: 'Throttle',
    does: 'slows clients down: 3g, slow-4g, fast-4g, offline, or limits of one’s own',
    fields: [filter, { name: 'Limits', placeholder: '3g, or rate=1m,latency=200ms,loss=1%', needed: true }],
    bare: true,
  },
]

export const VIA: RuleKind = {
  option: 'via',
  title: 'Way out',
  does: 'the first that matches counts; without any, connections go straight to their servers',
  fields: [filter, { name: 'Way', placeholder: 'socks5://host:1080, wireguard:FILE or direct', needed: true }],
  bare: true,
}

/** The fields of a rule, all of them texts. */
export function partsOf({ fields, bare, filtered }: RuleKind, text: string): string[] {
  if (bare && /^[a-z0-9]/i.test(text)) return ['', text]
  const [separator = '/'] = text
  const parts = text.slice(1).split(separator)
  const most = fields.length
  const all = parts.length <= most ? parts : [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)]
  const least = filtered ? most : most - 1
  if (all.length <= least && !filtered) all.unshift('')
  return fields.map((_, at) => all[at] ?? '')
}

const SEPARATORS = ['/', '|', ';', '#', '!', ',', '\u00a7', '\u00b6'] as const

/** Throws an Error where no character is left to separate them. */
export function textOf({ bare, filtered }: RuleKind, parts: readonly string[]): string {
  const [first = '', ...rest] = parts.map((part) => part.trim())
  if (bare && first === '') return rest.join('')
  const all = first === '' && !filtered ? rest : [first || '~all', ...rest]
  const separator = SEPARATORS.find((one) => all.every((part) => !part.includes(one)))
  if (separator === undefined) throw new Error('The fields use every character that could separate them')
  return `${separator}${all.join(separator)}`
}
