// Client replay: the option `client_replay` and the commands by which recorded requests are sent again.
import { accessSync, constants } from 'node:fs'
import { command } from '../commands.js'
import { MidwireError } from '../errors.js'
import type { Addon } from '../hooks.js'
import type { ReplayHost } from './replay-host.js'

/** Throws ERR_OPTION, by its hook `configure`, for files that cannot be read and for a concurrency of 0. */
export function clientReplay({ replays, read, job, log }: ReplayHost): Addon {
  let files: readonly string[] = []
  const replayFile = async (path: string): Promise<number> => {
    const { sent, refused, reason } = await replays.addAll(read(path))
    if (refused > 0) log('warn', `${path}: ${count(refused)} left out; ${reason}`)
    return sent
  }
  /** The values of the option that have come last. */
  const begin = async (wanted: readonly string[]): Promise<void> => {
    // Not before the update is done: an addon that is asked after this one may refuse it.
    await Promise.resolve()
    for (const path of wanted) if (wanted === files) await replayFile(path)
  }
  return {
    name: 'client replay',
    configure({ options, changed }) {
      if (options.client_replay_concurrency === 0) {
        throw new MidwireError('ERR_OPTION', 'client_replay_concurrency: 1, or -1 for as many at once as there are')
      }
      if (!changed.has('client_replay') || options.client_replay === files) return
      for (const path of options.client_replay) checkFile('client_replay', path)
      files = options.client_replay
      if (files.length > 0) job(begin(files))
    },
    commands: {
      'replay.client': command({
        help: 'send the requests of flows again',
        arguments: [{ name: 'flows', type: 'flows' }],
        run(flows) {
          let sent = 0
          for (const flow of flows) {
            try {
              // How it ends is told by the new flow.
              replays.add(flow).catch(() => {})
              sent += 1
            } catch (error) {
              log('warn', (error as Error).message)
            }
          }
          return sent
        },
      }),
      'replay.client.file': command({
        help: 'send the requests of a file of flows again',
        arguments: [{ name: 'path', type: 'path' }],
        run: replayFile,
      }),
      'replay.client.stop': command({
        help: 'forget the requests that wait to be sent again; those under way go on',
        arguments: [],
        run: () => replays.stop(),
      }),
      'replay.client.count': command({
        help: 'how many requests wait to be sent again, or are under way',
        arguments: [],
        run: () => replays.count,
      }),
    },
  }
}

const count = (flows: number): string => (flows === 1 ? '1 flow was' : `${flows} flows were`)

/** Throws ERR_OPTION for a file that is not there, or that midwire may not read. */
export function checkFile(option: string, path: string): void {
  // That is stdin.
  if (path === '-') return
  try {
    accessSync(path, constants.R_OK)
  } catch (cause) {
    throw new MidwireError('ERR_OPTION', `${option}: ${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
