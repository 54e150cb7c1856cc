// `midwire [filter]`: starts the proxy with its outputs, and ends it.
import { jsonSink, logSink, Midwire, type Options, type Sink, terminalSink } from '../index.js'
import type { Arguments } from './arguments.js'
import { banner } from './banner.js'
import { placed, type Settings, settle } from './settings.js'
import { Stop } from './stop.js'
import { delay, type Streams, wantsColor } from './streams.js'
import { version } from './version.js'
import { wgShow } from './wg.js'

/** Options that the command has other defaults for than a program. */
const DEFAULTS = { store_disk: '4g' }

/** Milliseconds for the proxy to close; after that the process ends without it. */
const PATIENCE = 5_000

/** What a command has beside the proxy: begun once that listens, and ended by the proxy's end. Gives what the user is told of it. */
export type Beside = (proxy: Midwire) => Promise<string>

/** `midwire [filter]`. */
export const run = (args: Arguments, streams: Streams): Promise<number> => runUntilEnd(args, args.words, streams)

/** Runs the proxy until it ends, and returns the exit code. Throws a MidwireError. */
export async function runUntilEnd(
  args: Arguments,
  filter: readonly string[],
  streams: Streams,
  beside?: Beside,
): Promise<number> {
  const settings = await settle(args, filter.join(' '), DEFAULTS)
  try {
    return await runProxy(args, settings, streams, beside)
  } catch (error) {
    throw placed(error, settings.places)
  }
}

async function runProxy(
  args: Arguments,
  settings: Settings,
  streams: Streams,
  beside: Beside | undefined,
): Promise<number> {
  const { confdir, options, others, warnings } = settings
  const { stdout, stderr, env } = streams
  const color = wantsColor(stdout, env, args.color)
  const json = args.json ? jsonSink(stdout, options) : undefined
  const flows = json ?? terminalSink(stdout, { ...options, color })
  const log = logSink(stderr, { ...options, color: wantsColor(stderr, env, args.color) })
  for (const message of warnings) log.log?.({ level: 'warn', message, timestamp: Date.now() })
  const stop = new Stop()
  const forget = surviveFaults(log, options)
  let code = 0
  try {
    const starting = Midwire.start({ confdir, options: { ...options, ...others }, sinks: [flows, log] })
    const proxy = await Promise.race([starting, stop.asked])
    if (proxy) {
      if (!beside) warnOfWaiting(proxy)
      const told = await beside?.(proxy).catch(async (error) => {
        await proxy.close()
        throw error
      })
      if (json) json.ready(proxy)
      else if (!args.quiet) greet(proxy, streams, color, wgShow(args, confdir))
      if (told) stderr.write(told)
      code = await Promise.race([proxy.closed, stop.asked, workOf(proxy)]).then((failures) => (failures ? 1 : 0))
    }
    await Promise.race([starting.then((started) => started.close()), delay(PATIENCE)])
    return code
  } finally {
    stop.forget()
    forget()
  }
}

/** A flow that is intercepted waits for a script: the command alone has no way to let it go on. */
function warnOfWaiting(proxy: Midwire): void {
  const { intercept, scripts } = proxy.options.snapshot
  if (intercept === undefined || scripts.length > 0) return
  proxy.log(
    'warn',
    `intercept: flows that match ${intercept} wait for ever: no script (-s) is there that calls flow.resume() or flow.kill(), and no page (midwire web)`,
  )
}

/** Fulfilled when the files are read and the flows replayed that midwire was started for; never where there are none, or by `keepserving`. */
async function workOf(proxy: Midwire): Promise<number> {
  if (proxy.jobs.begun > 0 && !proxy.options.snapshot.keepserving) return proxy.jobs.finished()
  return new Promise(() => {})
}

/**
 * Prints the banner: on a terminal with a client's configuration. The reader of a pipe wants only flows on stdout, and must not get
 * a client's private key, so there the banner goes to stderr, without the configuration.
 */
function greet(proxy: Midwire, { stdout, stderr }: Streams, color: boolean, more: string): void {
  const { listeners, peers, authority } = proxy
  const options = proxy.options.snapshot
  const onboarding = options.onboarding ? options.onboarding_host : undefined
  const certificate = authority.certificatePath
  const facts = { version, listeners, peers, onboarding, certificate, more, filter: options.dumper_filter }
  if (stdout.isTTY) stdout.write(banner(facts, { columns: stdout.columns || 80, color }))
  else stderr.write(banner(facts, { columns: undefined, color: false }))
}

/**
 * Keeps uncaught errors and unhandled rejections from ending the process: an addon may have caused them. Each is logged, with the
 * addon's path where the stack names it. The function that is returned undoes this.
 */
export function surviveFaults(log: Sink, { scripts }: Options): () => void {
  const report = (what: string) => (error: unknown) => {
    const stack = error instanceof Error ? (error.stack ?? '') : ''
    const script = scripts.find((path) => stack.includes(path))
    const where = stack
      .split('\n')
      .find((one) => /^\s+at /.test(one))
      ?.trim()
    const text = error instanceof Error ? error.message : String(error)
    const message = `${script ? `addon ${script}: ` : ''}${what}: ${text}${where ? ` (${where})` : ''}`
    log.log?.({ level: 'error', message, timestamp: Date.now() })
  }
  const thrown = report('an error that was not caught')
  const rejected = report('a rejected promise that was not handled')
  process.on('uncaughtException', thrown)
  process.on('unhandledRejection', rejected)
  return () => {
    process.off('uncaughtException', thrown)
    process.off('unhandledRejection', rejected)
  }
}
