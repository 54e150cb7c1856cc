// The services of the proxy for the addons that replay flows, and the one place that knows how files of flows are read.
import type { ReplayHost } from '../addons/replay-host.js'
import { readFlowFile } from '../store/flow-file.js'
import { type Dispatcher, FIRST_RANK } from './dispatch.js'
import type { Jobs } from './jobs.js'
import type { Replays } from './replays.js'

export const replayHost = (
  proxy: Pick<ReplayHost, 'log'> & { readonly jobs: Jobs },
  dispatcher: Dispatcher,
  replays: Replays,
): ReplayHost => ({
  replays,
  read: readFlowFile,
  attach(addon) {
    dispatcher.add(addon, FIRST_RANK)
    return () => dispatcher.remove(addon)
  },
  job: (work) => proxy.jobs.add(work),
  log: (level, message) => proxy.log(level, message),
})
