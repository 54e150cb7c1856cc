// Lists of flows, one whole flow, changes of it, and the wait for one.
import type { FlowList } from '../../index.js'
import type { flows } from '../api/tables/flows.js'
import type { Handlers } from '../server/call.js'
import { ApiError } from '../server/failure.js'
import { changeFlow } from './changes.js'
import { answerOf, flowOf } from './found.js'

type Table = Pick<typeof flows, 'listFlows' | 'clearFlows' | 'getFlow' | 'editFlow' | 'deleteFlow' | 'waitForFlow'>

const DEFAULT_LIMIT = 100
const DEFAULT_WAIT = 30_000

export const flowHandlers: Handlers<Table> = {
  async listFlows({
    proxy,
    input: { filter, sort = 'number', reverse = false, offset = 0, limit = DEFAULT_LIMIT },
    signal,
  }) {
    const list = proxy.list({ filter: filter || undefined, sort, reverse })
    try {
      await completeOrGone(list, signal)
      return { rows: list.rows(offset, limit), total: list.total, offset }
    } finally {
      list.close()
    }
  },
  clearFlows({ proxy }) {
    proxy.clear()
    return undefined
  },
  getFlow: (call) => answerOf(call, flowOf(call, call.input.id)),
  editFlow(call) {
    const { id } = flowOf(call, call.input.id)
    return answerOf(
      call,
      call.proxy.edit(id, (flow) => changeFlow(flow, call.body)),
    )
  },
  deleteFlow(call) {
    call.proxy.remove([flowOf(call, call.input.id)])
    return undefined
  },
  async waitForFlow(call) {
    const { filter, timeout = DEFAULT_WAIT } = call.input
    const flows = call.proxy.flows(filter || undefined)
    const timer = setTimeout(() => void flows.return?.(), timeout)
    const leave = () => void flows.return?.()
    call.signal.addEventListener('abort', leave, { once: true })
    try {
      const { value, done } = await flows.next()
      if (!done) return answerOf(call, value)
      throw new ApiError(408, 'ERR_TIMEOUT', `no flow that matches has ended within ${timeout} ms`)
    } finally {
      clearTimeout(timer)
      call.signal.removeEventListener('abort', leave)
      leave()
    }
  },
}

const completeOrGone = (list: FlowList, signal: AbortSignal): Promise<void> => {
  // Closing the list ends the wait.
  signal.addEventListener('abort', () => list.close(), { once: true })
  return list.complete
}
