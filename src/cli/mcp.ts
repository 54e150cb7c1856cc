// `midwire mcp`: tools for a model over stdin and stdout, with a proxy of its own, or with one that runs.
import { logSink, Midwire, MidwireError } from '../index.js'
import { createClient, type MidwireApi, serveStdio, startWeb } from '../web/index.js'
import type { Arguments } from './arguments.js'
import { surviveFaults } from './run.js'
import { placed, settle } from './settings.js'
import { Stop } from './stop.js'
import { delay, type Streams, wantsColor } from './streams.js'
import { version } from './version.js'

/** The proxy, where --mode names no other: on a free port, for this machine alone. */
const MODE = 'regular@127.0.0.1:0'

/** Milliseconds for the proxy to close. */
const PATIENCE = 5_000

/** Runs until the client has gone, and returns the exit code. Throws a MidwireError. */
export async function mcp(args: Arguments, streams: Streams): Promise<number> {
  if (args.words.length > 1) throw new MidwireError('ERR_ARGUMENT', `midwire mcp takes no ${args.words[1]}`)
  const url = args.ofCommand.get('url')
  const stop = new Stop()
  try {
    if (typeof url === 'string') await serve(await reached(url), args, stop)
    else await withProxy(args, streams, stop)
    return 0
  } finally {
    stop.forget()
  }
}

async function withProxy(args: Arguments, { stderr, env }: Streams, stop: Stop): Promise<void> {
  const { confdir, options, others, places, warnings } = await settle(args)
  // Stdout is the protocol's.
  const log = logSink(stderr, { ...options, color: wantsColor(stderr, env, args.color) })
  for (const message of warnings) log.log?.({ level: 'warn', message, timestamp: Date.now() })
  const forget = surviveFaults(log, options)
  let proxy: Midwire | undefined
  try {
    const modes = args.given.has('mode') ? options.mode : [MODE]
    proxy = await Midwire.start({ confdir, modes, options: { ...options, ...others, mode: [...modes] }, sinks: [log] })
    const port = args.given.has('web_port') ? options.web_port : 0
    const { api, entrance } = await startWeb(proxy, { version, port })
    proxy.log('info', `the page, for you to look on: ${entrance}`)
    await serve(api, args, stop)
  } catch (error) {
    throw placed(error, places)
  } finally {
    await Promise.race([proxy?.close(), delay(PATIENCE)])
    forget()
  }
}

async function serve(api: MidwireApi, args: Arguments, stop: Stop): Promise<void> {
  const ended = new Promise((resolve) => process.stdin.once('end', resolve).once('close', resolve))
  const server = await serveStdio(api, { version, allowChanges: args.ofCommand.has('allow-changes') })
  await Promise.race([ended, stop.asked])
  await server.close()
}

/** The API at a URL, which has answered. Throws ERR_ARGUMENT. */
async function reached(url: string): Promise<MidwireApi> {
  try {
    const api = createClient({ url })
    await api.getState()
    return api
  } catch (cause) {
    const { message, cause: reason } = cause as Error
    const why = reason instanceof Error ? reason.message : message
    throw new MidwireError('ERR_ARGUMENT', `--url ${url.replace(/token=.*/, 'token=...')}: ${why}`, { cause })
  }
}
