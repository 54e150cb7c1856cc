// Server replay: recorded responses answer requests in the place of servers. The option `server_replay` and its kin, and the commands.
import { command } from '../commands.js'
import type { HttpFlow } from '../flow/http.js'
import { HttpResponse } from '../flow/http.js'
import type { FlowRecord, HttpRecord } from '../flow/record.js'
import { reviveRequest, reviveResponse } from '../flow/revive.js'
import { snapshot } from '../flow/snapshot.js'
import type { Addon } from '../hooks.js'
import type { OptionSnapshot } from '../options/definitions.js'
import { checkFile } from './client-replay.js'
import type { ReplayHost } from './replay-host.js'
import { KEY_OPTIONS, replayKey } from './server-replay-key.js'
import { refresh } from './server-replay-refresh.js'

/** Recorded answers that are kept. Their bodies lie where the records have them. More are left out, which is logged. */
const MAX_ANSWERS = 100_000

/** Throws ERR_OPTION, by its hook `configure`, for files that cannot be read. */
export function serverReplay({ read, attach, log }: ReplayHost): Addon {
  let options: OptionSnapshot
  let files: readonly string[] = []
  let answers = new Map<string, HttpRecord[]>()
  let count = 0
  let detach: (() => void) | undefined
  /** Files that are being read: requests wait for that. */
  let reading: Promise<unknown> = Promise.resolve()
  let isReading = false
  /** Goes up with each `stop`, which also ends the reading of files. */
  let stops = 0

  const add = (record: FlowRecord): string | undefined => {
    if (record.type !== 'http' || record.websocket) return 'only HTTP can be replayed'
    const { request, response } = record
    if (!response) return undefined
    if (response.body.stored.size < response.body.length) return "the response's body was recorded in part"
    if (count >= MAX_ANSWERS) return `${MAX_ANSWERS} answers are kept already`
    const key = replayKey(reviveRequest(request), options)
    const found = answers.get(key)
    if (found) found.push(record)
    else answers.set(key, [record])
    count += 1
    return undefined
  }
  const addAll = (records: Iterable<FlowRecord>): number => {
    const before = count
    for (const record of records) {
      const problem = add(record)
      if (problem !== undefined) log('warn', `server replay leaves a flow out: ${problem}`)
    }
    return count - before
  }
  const clear = (): void => {
    answers = new Map()
    count = 0
  }
  const load = async (path: string): Promise<void> => {
    const begun = stops
    let left = 0
    let reason: string | undefined
    for await (const record of read(path)) {
      if (stops !== begun) return
      const problem = add(record)
      if (problem === undefined) continue
      left += 1
      reason ??= problem
    }
    if (left > 0) log('warn', `${path}: server replay leaves ${left} flows out: ${reason}`)
  }
  const loadAll = (paths: readonly string[]): Promise<void> => {
    const loading = reading.then(async () => {
      for (const path of paths) await load(path)
    })
    isReading = true
    const done = loading
      .catch(() => {})
      .then(() => {
        if (reading === done) isReading = false
      })
    reading = done
    return loading
  }
  const start = (): void => {
    detach ??= attach(answering)
  }
  const stop = (): void => {
    stops += 1
    clear()
    detach?.()
    detach = undefined
  }
  const take = (flow: HttpFlow): HttpRecord | undefined => {
    if (answers.size === 0) return undefined
    const key = replayKey(flow.request, options)
    const found = answers.get(key)
    if (!found || options.server_replay_reuse || options.server_replay_nopop) return found?.[0]
    const record = found.shift()
    count -= 1
    if (found.length === 0) answers.delete(key)
    return record
  }
  const answer = (flow: HttpFlow): void => {
    // A flow from a file does not run, what another addon has answered has its answer, and a body that has passed has got to the server.
    if (!flow.live || flow.response || flow.replayed || flow.request.streamed) return
    const record = take(flow)
    const now = Date.now()
    if (record?.response) {
      const response = reviveResponse(record.response)
      if (options.server_replay_refresh) refresh(response, now - response.startedAt)
      response.startedAt = now
      response.endedAt = undefined
      flow.response = response
      flow.replayed = 'response'
      return
    }
    const extra = options.server_replay_kill_extra ? 'kill' : options.server_replay_extra
    if (extra === 'forward') return
    if (extra === 'kill') {
      flow.kill()
      flow.error = { message: 'no recorded response answers it (server_replay_extra=kill)', timestamp: now }
      return
    }
    flow.response = new HttpResponse({ status: Number(extra) })
    flow.replayed = 'response'
  }
  const answering: Addon = {
    name: 'server replay',
    requestheaders(flow) {
      // A body that passes would get to the server, which is to get no request without a recorded answer.
      const isStrict = options.server_replay_kill_extra || options.server_replay_extra !== 'forward'
      if (isStrict && !flow.response) flow.request.stream ??= false
    },
    request: (flow) => (isReading ? reading.then(() => answer(flow)) : answer(flow)),
  }
  return {
    name: 'server replay',
    configure(change) {
      const before = options
      options = change.options
      if (before && KEY_OPTIONS.some((name) => change.changed.has(name))) {
        const records = [...answers.values()].flat()
        clear()
        addAll(records)
      }
      if (options.server_replay_nopop && change.changed.has('server_replay_nopop'))
        log('warn', 'server_replay_nopop is the old name of server_replay_reuse')
      if (!change.changed.has('server_replay') || options.server_replay === files) return
      for (const path of options.server_replay) checkFile('server_replay', path)
      files = options.server_replay
      stop()
      if (files.length === 0) return
      start()
      loadAll(files).catch((error: Error) => log('error', `server_replay: ${error.message}`))
    },
    commands: {
      'replay.server': command({
        help: 'answer requests by these flows, and by no others',
        arguments: [{ name: 'flows', type: 'flows' }],
        run(flows) {
          stop()
          start()
          return addAll(flows.map(snapshot))
        },
      }),
      'replay.server.add': command({
        help: 'answer requests by these flows, too',
        arguments: [{ name: 'flows', type: 'flows' }],
        run(flows) {
          start()
          return addAll(flows.map(snapshot))
        },
      }),
      'replay.server.file': command({
        help: 'answer requests by the flows of a file, and by no others',
        arguments: [{ name: 'path', type: 'path' }],
        async run(path) {
          stop()
          start()
          await loadAll([path])
          return count
        },
      }),
      'replay.server.stop': command({
        help: 'answer no more requests by recorded flows',
        arguments: [],
        run: stop,
      }),
      'replay.server.count': command({
        help: 'how many recorded answers are left',
        arguments: [],
        run: () => count,
      }),
    },
  }
}
