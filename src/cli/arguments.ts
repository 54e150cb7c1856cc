// Parses the command line. A mistake in it is one MidwireError that names the flag, and the known flag that is nearest.
import { parseArgs } from 'node:util'
import { MidwireError, nearest, type OptionName } from '../index.js'
import { FLAGS, type Flag } from './flags.js'

export interface Arguments {
  /** The arguments that are no flags: a command, or the words of a filter. */
  readonly words: readonly string[]
  readonly help: boolean
  readonly version: boolean
  readonly options: boolean
  readonly commands: boolean
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  /** Undefined without a flag: then the terminal and the environment decide. */
  readonly color: boolean | undefined
  readonly confdir: string | undefined
  readonly publicKey: string | undefined
  /** The flags that one command alone has, by their names. */
  readonly ofCommand: ReadonlyMap<string, string | boolean>
  /** `NAME=VALUE` of each `--set`, in their order. */
  readonly sets: readonly string[]
  /** The options that flags set. The value of a list has an entry for each time that its flag was given. */
  readonly given: ReadonlyMap<
    OptionName,
    { readonly flag: string; readonly value: string | boolean | readonly string[] }
  >
}

/** Throws ERR_ARGUMENT. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(FLAGS.map((flag) => [flag.long, definition(flag)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const own = new Map<string, string | boolean>()
  const sets: string[] = []
  const ofCommand = new Map<string, string | boolean>()
  const given = new Map<OptionName, { flag: string; value: string | boolean | string[] }>()
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'option') continue
    const { flag, value } = meaning(token)
    const shown = token.rawName
    if (flag.long === 'set') sets.push(String(value))
    else if (flag.commands !== undefined) ofCommand.set(flag.long, value)
    else if (flag.option === undefined) own.set(flag.long, value)
    else if (flag.kind !== 'values') given.set(flag.option, { flag: shown, value })
    else {
      const before = tokens[index - 1]
      const isOfMode = before?.kind === 'option' && before.name === 'mode' && flag.option === 'via' && isWay(value)
      const option = isOfMode ? 'mode' : flag.option
      const list = [given.get(option)?.value ?? []].flat().map(String)
      given.set(option, {
        flag: isOfMode ? before.rawName : shown,
        value: isOfMode ? [...list.slice(0, -1), `${list.at(-1)} via ${value}`] : [...list, String(value)],
      })
    }
  }
  const text = (name: string) => own.get(name) as string | undefined
  return {
    words: positionals,
    help: own.get('help') === true,
    version: own.get('version') === true,
    options: own.get('options') === true,
    commands: own.get('commands') === true,
    json: own.get('json') === true,
    quiet: own.get('quiet') === true,
    verbose: own.get('verbose') === true,
    color: own.get('color') as boolean | undefined,
    confdir: text('confdir'),
    publicKey: text('public-key'),
    ofCommand,
    sets,
    given,
  }
}

/** Whether the value of --via is for all connections: a rule begins with its separator, which no name begins with. */
const isWay = (value: string | boolean) => /^[\p{L}\p{N}[_%-]/u.test(String(value))

const definition = ({ kind, short }: Flag) => ({
  type: kind === 'switch' ? ('boolean' as const) : ('string' as const),
  multiple: true,
  ...(short && { short }),
})

interface Token {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

/** The flag of a token, and its value. Throws ERR_ARGUMENT. */
function meaning({ name, rawName, value, inlineValue }: Token): { flag: Flag; value: string | boolean } {
  const flag = FLAGS.find(({ long }) => long === name)
  if (!flag) {
    const positive = FLAGS.find(({ long, negatable, off }) => (negatable && name === `no-${long}`) || name === off)
    if (!positive) throw unknown(name, rawName)
    if (value !== undefined) throw wrong(`${rawName} takes no value`)
    return { flag: positive, value: false }
  }
  if (flag.kind === 'switch') {
    if (value === undefined) return { flag, value: true }
    if (flag.option === undefined) throw wrong(`${rawName} takes no value`)
    return { flag, value }
  }
  const missing = value === undefined || (!inlineValue && value.startsWith('-') && value.length > 1)
  if (missing) throw wrong(`${rawName} wants a value: ${rawName} ${flag.placeholder ?? 'VALUE'}`)
  return { flag, value }
}

function unknown(name: string, rawName: string): MidwireError {
  const known = FLAGS.flatMap(({ long, negatable }) => (negatable ? [long, `no-${long}`] : [long]))
  const meant = name.length > 1 ? nearest(name.replaceAll('_', '-'), known) : undefined
  return wrong(`unknown flag ${rawName}, ${meant ? `did you mean --${meant}?` : '`midwire --help` lists them'}`)
}

const wrong = (text: string) => new MidwireError('ERR_ARGUMENT', text)
