// Which command it is; what goes wrong in it is one line on stderr and an exit code.

import { MidwireError, nearest } from '../index.js'
import { type Arguments, parseArguments } from './arguments.js'
import { ca } from './ca.js'
import { complaint, exitCodeOf } from './complaint.js'
import { demo } from './demo.js'
import { helpText, optionsText } from './help.js'
import { run } from './run.js'
import type { Streams } from './streams.js'
import { version } from './version.js'
import { wg } from './wg.js'

type Command = (args: Arguments, streams: Streams) => Promise<number>

const COMMANDS: Readonly<Record<string, Command>> = { wg, ca, demo }

/** Runs a command line; the answer is its exit code. Never rejects. */
export async function midwire(argv: readonly string[], streams: Streams): Promise<number> {
  try {
    const args = parseArguments(argv)
    if (args.help || args.words[0] === 'help') streams.stdout.write(helpText())
    else if (args.version) streams.stdout.write(`midwire ${version} (Node ${process.versions.node})\n`)
    else if (args.options) streams.stdout.write(optionsText())
    else return await commandOf(args)(args, streams)
    return 0
  } catch (error) {
    streams.stderr.write(complaint(error))
    return exitCodeOf(error)
  }
}

function commandOf(args: Arguments): Command {
  const [first = '', ...rest] = args.words
  const command = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined
  if (command) return command
  // A word alone is a filter; but not one that was meant to be a command.
  const meant = rest.length === 0 ? nearest(first, ['demo', 'web', 'help']) : undefined
  if (meant === 'web') throw new MidwireError('ERR_ARGUMENT', 'there is no web page yet; midwire shows flows here')
  if (meant) {
    const filter = `if it is a filter, write '~u ${first}'`
    throw new MidwireError('ERR_ARGUMENT', `there is no command ${first}, did you mean ${meant}? (${filter})`)
  }
  if (args.publicKey !== undefined)
    throw new MidwireError('ERR_ARGUMENT', '--public-key belongs to midwire wg add NAME')
  return run
}
