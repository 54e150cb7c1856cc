// Runs the command that a command line names. An error becomes one line on stderr, and an exit code.
import { commandInfos, MidwireError, nearest, optionDefinitions, parseOption } from '../index.js'
import { type Arguments, parseArguments } from './arguments.js'
import { ca } from './ca.js'
import { cleanup } from './cleanup.js'
import { complaint, exitCodeOf } from './complaint.js'
import { demo } from './demo.js'
import { FLAGS } from './flags.js'
import { commandsText, helpText, optionsText } from './help.js'
import { mcp } from './mcp.js'
import { run } from './run.js'
import { runCommand } from './run-command.js'
import { show } from './show.js'
import type { Streams } from './streams.js'
import { topicText } from './topics.js'
import { transparent } from './transparent.js'
import { version } from './version.js'
import { web } from './web.js'
import { wg } from './wg.js'

type Command = (args: Arguments, streams: Streams) => Promise<number>

const COMMANDS: Readonly<Record<string, Command>> = {
  run: runCommand,
  wg,
  ca,
  demo,
  show,
  transparent,
  cleanup,
  web,
  mcp,
}

/** Runs a command line and returns the exit code. Never rejects. */
export async function midwire(argv: readonly string[], streams: Streams): Promise<number> {
  try {
    const args = parseArguments(argv)
    const help = helpOf(args)
    if (help !== undefined) streams.stdout.write(help)
    else if (args.version || isVersion(args))
      streams.stdout.write(`midwire ${version} (Node ${process.versions.node})\n`)
    else if (args.options) streams.stdout.write(optionsText(await optionDefinitions(scriptsOf(args))))
    else if (args.commands) streams.stdout.write(commandsText(await commandInfos(scriptsOf(args))))
    else return await commandOf(args)(args, streams)
    return 0
  } catch (error) {
    streams.stderr.write(complaint(error))
    return exitCodeOf(error)
  }
}

/** The scripts of the command line alone: a mistake in config.yaml must not keep `--options` from listing the options. */
function scriptsOf({ given, sets }: Arguments): readonly string[] {
  const named = sets.filter((text) => text.startsWith('scripts=')).map((text) => text.slice('scripts='.length))
  return parseOption('scripts', given.get('scripts')?.value ?? named) as readonly string[]
}

/** The text for `midwire help`, `midwire help wg` or `midwire wg --help`; undefined for any other command line. */
function helpOf({ help, words }: Arguments): string | undefined {
  const [first = '', second] = words
  if (first === 'help') return second === undefined ? helpText() : topicText(second)
  if (!help) return undefined
  return Object.hasOwn(COMMANDS, first) ? topicText(first) : helpText()
}

const isVersion = ({ words: [first, ...rest] }: Arguments) => first === 'version' && rest.length === 0

/** The second words of commands. A command line with one of them is not meant to be a filter. */
const SECOND = ['show', 'qr', 'add', 'remove', 'path', 'up', 'down']

function commandOf(args: Arguments): Command {
  const [first = '', second] = args.words
  if (args.publicKey !== undefined && !(first === 'wg' && second === 'add')) {
    throw new MidwireError('ERR_ARGUMENT', '--public-key belongs to midwire wg add NAME')
  }
  for (const name of args.ofCommand.keys()) {
    const owners = FLAGS.find(({ long }) => long === name)?.commands ?? []
    if (!owners.includes(first)) {
      const all = owners.map((owner) => `midwire ${owner}`).join(' and ')
      throw new MidwireError('ERR_ARGUMENT', `--${name} belongs to ${all}`)
    }
  }
  const command = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined
  if (command) return command
  // Words that are no command are a filter, unless the first one looks like a mistyped command.
  const likeCommand = second === undefined || SECOND.includes(second)
  const meant = likeCommand ? nearest(first, [...Object.keys(COMMANDS), 'help', 'version']) : undefined
  if (meant) {
    const filter = `if it is a filter, write '~u ${first}'`
    throw new MidwireError('ERR_ARGUMENT', `there is no command ${first}, did you mean midwire ${meant}? (${filter})`)
  }
  return run
}
