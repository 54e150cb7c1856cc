// `midwire show`: the flows that were recorded, as a list, one of them whole, or the bytes of a body.
import { type AnyFlow, flowLine, flowText, MidwireError, openStore, parseFilter, type StoreReader } from '../index.js'
import type { Arguments } from './arguments.js'
import { Progress } from './progress.js'
import { type Settings, settle } from './settings.js'
import { fileSource, type Source } from './show-file.js'
import { Stop } from './stop.js'
import { put, type Streams, wantsColor } from './streams.js'

/** Milliseconds between two looks for new flows. */
const FOLLOW = 250

/** The beginning of an id, long enough to find a flow by. */
const ID = /^[0-9a-f]{8}[0-9a-f-]*$/

/** The characters of an id that a list shows; and the columns that they take. */
const SHORT_ID = 8
const ID_COLUMNS = SHORT_ID + 1

/** Throws a MidwireError. */
export async function show(args: Arguments, streams: Streams): Promise<number> {
  const { ofCommand } = args
  const [, ...words] = args.words
  const text = words.join(' ')
  const body = ofCommand.get('body')
  if (body !== undefined && body !== 'request' && body !== 'response') {
    throw new MidwireError('ERR_ARGUMENT', `--body is request or response, not ${body}`)
  }
  const limit = limitOf(ofCommand.get('limit'))
  const settings = await settle(args)
  const accepts = text === '' || ID.test(text) ? undefined : parseFilter(text)
  const follow = ofCommand.get('follow') === true
  const path = args.given.get('rfile')?.value
  if (path !== undefined && follow)
    throw new MidwireError('ERR_ARGUMENT', '--follow is for recorded flows, and not for -r')
  const store = path === undefined ? openStore(settings.confdir) : undefined
  const progress = new Progress(streams)
  const source = store ? storeSource(store, progress) : fileSource(String(path), progress)
  const means = { args, settings, streams, progress }
  try {
    if (ID.test(text)) return await one(source, text, body, means)
    if (body !== undefined)
      throw new MidwireError('ERR_ARGUMENT', '--body wants a flow: midwire show ID --body response')
    return await list(source, { accepts, limit, following: follow ? store : undefined }, means)
  } finally {
    progress.clear()
  }
}

function storeSource(store: StoreReader, progress: Progress): Source {
  return {
    flow: (id) => store.flow(id),
    // Not a generator: what is recorded now counts, and not what is when the first is asked for.
    flows({ filter, ...query }) {
      progress.total = store.count
      const looked = (flow: AnyFlow) => {
        progress.step()
        return !filter || filter(flow)
      }
      return store.flows({ ...query, filter: looked })
    },
  }
}

function limitOf(text: string | boolean | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (typeof text === 'string' && /^\d{1,9}$/.test(text)) return Number(text)
  throw new MidwireError('ERR_ARGUMENT', `--limit wants a whole number, not ${text}`)
}

/** What all ways to show flows are done with. */
interface Means {
  readonly args: Arguments
  readonly settings: Settings
  readonly streams: Streams
  readonly progress: Progress
}

async function one(
  source: Source,
  id: string,
  body: 'request' | 'response' | undefined,
  { args, settings, streams: { stdout, env }, progress }: Means,
): Promise<number> {
  const flow = await source.flow(id)
  progress.clear()
  if (!flow) {
    throw new MidwireError(
      'ERR_COMMAND',
      `no flow that begins with ${id} is recorded; if it is a filter, write '~u ${id}'`,
    )
  }
  const options = { ...settings.options, flow_detail: 4, color: wantsColor(stdout, env, args.color) }
  if (body === undefined) {
    await put(stdout, args.json ? flowLine(flow, options) : `${flow.id}\n${flowText(flow, options)}`)
    return 0
  }
  const message = flow.type === 'http' ? flow[body] : undefined
  if (!message) throw new MidwireError('ERR_COMMAND', `the flow ${id} has no ${body} with a body`)
  await put(stdout, message.body.content)
  return 0
}

async function list(
  source: Source,
  {
    accepts,
    limit,
    following,
  }: {
    accepts: ((flow: AnyFlow) => boolean) | undefined
    limit: number
    /** The store whose new flows are shown, too; undefined for none. */
    following: StoreReader | undefined
  },
  { args, settings, streams: { stdout, env }, progress }: Means,
): Promise<number> {
  const { options } = settings
  const color = wantsColor(stdout, env, args.color)
  const columns = stdout.isTTY && stdout.columns ? stdout.columns - ID_COLUMNS : undefined
  const shown = (flow: AnyFlow) =>
    args.json
      ? flowLine(flow, options)
      : `${flow.id.slice(0, SHORT_ID)} ${flowText(flow, { ...options, color, columns })}`
  const stop = new Stop()
  let isOver = false
  stop.asked.then(() => {
    isOver = true
  })
  try {
    // The newest are found from the end, and shown from the oldest on.
    const isCut = Number.isFinite(limit)
    const recorded = source.flows({ filter: accepts, limit, reverse: isCut })
    following?.skip()
    const newest: string[] = []
    for await (const flow of recorded) {
      if (isOver) break
      if (isCut) newest.push(shown(flow))
      else {
        progress.clear()
        await put(stdout, shown(flow))
      }
    }
    progress.clear()
    for (const text of newest.reverse()) await put(stdout, text)
    while (following && !isOver) {
      for (const flow of following.fresh()) if (!accepts || accepts(flow)) await put(stdout, shown(flow))
      // This timer keeps the process alive.
      await Promise.race([new Promise((later) => setTimeout(later, FOLLOW)), stop.asked])
    }
    return 0
  } finally {
    stop.forget()
  }
}
