// `midwire run -- CMD ARGS`: a proxy of its own for one command, whose exit code, input and output stay the command's.
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, openSync, type WriteStream } from 'node:fs'
import { constants } from 'node:os'
import { jsonSink, logSink, Midwire, MidwireError, type Sink, terminalSink } from '../index.js'
import type { Arguments } from './arguments.js'
import { complaint } from './complaint.js'
import { surviveFaults } from './run.js'
import { placed, type Settings, settle } from './settings.js'
import { delay, type Stream, type Streams, wantsColor } from './streams.js'

/** The proxy, where --mode names no other: on a free port, for this machine alone. */
const MODE = 'regular@127.0.0.1:0'

/** Milliseconds for the proxy to close once the command has ended. */
const PATIENCE = 5_000

/** What midwire passes on. Ctrl-C on a terminal sends SIGINT and SIGQUIT to the command by itself. */
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const

/** The exit codes of shells: a command that cannot be run, one that is not found, one that a signal has ended. */
const [CANNOT_RUN, NOT_FOUND, SIGNALLED] = [126, 127, 128]

/** Returns the exit code of the command. Throws a MidwireError. */
export async function runCommand(args: Arguments, streams: Streams): Promise<number> {
  const [, command, ...rest] = args.words
  if (command === undefined)
    throw new MidwireError('ERR_ARGUMENT', 'midwire run wants a command: midwire run -- npm test')
  const settings = await settle(args)
  const output = openOutput(args.ofCommand.get('output'))
  try {
    return await runBeside(args, settings, output ?? streams.stderr, streams, command, rest)
  } catch (error) {
    throw placed(error, settings.places)
  } finally {
    if (output) await new Promise((done) => output.end(done))
  }
}

async function runBeside(
  args: Arguments,
  { confdir, options, others, warnings }: Settings,
  out: Stream,
  { stderr, env }: Streams,
  command: string,
  rest: readonly string[],
): Promise<number> {
  const color = wantsColor(out, env, args.color)
  const json = args.json ? jsonSink(out, options) : undefined
  const log = logSink(stderr, { ...options, color: wantsColor(stderr, env, args.color) })
  const sinks: Sink[] = [json ?? terminalSink(out, { ...options, color }), log]
  for (const message of warnings) log.log?.({ level: 'warn', message, timestamp: Date.now() })
  const signals = new Signals()
  const forget = surviveFaults(log, options)
  let proxy: Midwire | undefined
  try {
    const modes = args.given.has('mode') ? options.mode : [MODE]
    proxy = await Midwire.start({ confdir, modes, options: { ...options, ...others, mode: [...modes] }, sinks })
    const added = await proxy.env()
    json?.ready(proxy)
    if (signals.first) return SIGNALLED + constants.signals[signals.first]
    return await signals.pass(spawn(command, rest, { stdio: 'inherit', env: { ...env, ...added } }), (error) => {
      stderr.write(
        complaint(`${command} cannot be run: ${error.code === 'ENOENT' ? 'there is no such command' : error.message}`),
      )
      return error.code === 'ENOENT' ? NOT_FOUND : CANNOT_RUN
    })
  } finally {
    await Promise.race([proxy?.close(), delay(PATIENCE)])
    signals.forget()
    forget()
  }
}

/** The file for flows; undefined where none was named. Throws ERR_ARGUMENT. */
function openOutput(path: string | boolean | undefined): WriteStream | undefined {
  if (typeof path !== 'string') return undefined
  try {
    const stream = createWriteStream(path, { fd: openSync(path, 'w') })
    // Where the disk is full the command goes on.
    stream.on('error', () => {})
    return stream
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MidwireError('ERR_ARGUMENT', `--output ${path}: ${reason}`, { cause })
  }
}

/** The signals that come while the command runs, and before. */
class Signals {
  /** One that came before the command was started. */
  first: (typeof SIGNALS)[number] | undefined
  #child: ChildProcess | undefined

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#came)
  }

  forget(): void {
    for (const signal of SIGNALS) process.off(signal, this.#came)
  }

  /** Passes them on to a command, and gives its exit code; that of `failed` where it cannot be run. */
  pass(child: ChildProcess, failed: (error: NodeJS.ErrnoException) => number): Promise<number> {
    this.#child = child
    return new Promise((resolve) => {
      child.on('error', (error) => child.pid === undefined && resolve(failed(error)))
      child.on('exit', (code, signal) => resolve(code ?? SIGNALLED + constants.signals[signal ?? 'SIGKILL']))
    })
  }

  readonly #came = (signal: (typeof SIGNALS)[number]) => {
    this.first ??= signal
    const fromTerminal = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')
    if (!fromTerminal) this.#child?.kill(signal)
  }
}
