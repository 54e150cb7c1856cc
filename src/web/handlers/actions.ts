// What is done to flows: one by its id, or several by ids or a filter.

import type { InferOutput } from 'valibot'
import { type AnyFlow, HttpFlow, revive, snapshot } from '../../index.js'
import { type Chosen, MAX_IDS } from '../api/schemas/common.js'
import type { flows } from '../api/tables/flows.js'
import type { Handlers, Surroundings } from '../server/call.js'
import { ApiError, conflict } from '../server/failure.js'
import { changeFlow, changeRequest } from './changes.js'
import { answerOf, flowOf, httpOf } from './found.js'

type Table = Pick<
  typeof flows,
  'chooseFlows' | 'resumeFlow' | 'killFlow' | 'interceptFlow' | 'replayFlow' | 'duplicateFlow' | 'revertFlow'
>

export const actionHandlers: Handlers<Table> = {
  async chooseFlows(call) {
    const { flows: chosen, action, text = '' } = call.body
    const found = await choose(call, chosen)
    return { flows: await ACTIONS[action](call, found, text) }
  },
  async resumeFlow(call) {
    const flow = flowOf(call, call.input.id)
    const changes = call.body ?? {}
    if (Object.keys(changes).length > 0) {
      if (!flow.intercepted) throw conflict('the flow does not wait')
      call.proxy.edit(flow.id, (one) => changeFlow(one, changes))
    }
    await ACTIONS.resume(call, [flow], '')
    return undefined
  },
  async killFlow(call) {
    await ACTIONS.kill(call, [flowOf(call, call.input.id)], '')
    return undefined
  },
  async interceptFlow(call) {
    const flow = flowOf(call, call.input.id)
    if (!flow.live) throw conflict('the flow is over')
    await ACTIONS.intercept(call, [flow], '')
    return undefined
  },
  async replayFlow(call) {
    const flow = httpOf(flowOf(call, call.input.id))
    const { request } = call.body
    if (!request) return answerOf(call, await call.proxy.replay(flow))
    const copy = revive(snapshot(flow))
    changeRequest(httpOf(copy).request, request)
    return answerOf(call, await call.proxy.replay(httpOf(copy)))
  },
  duplicateFlow(call) {
    const [copy] = call.proxy.duplicate([flowOf(call, call.input.id)])
    if (!copy) throw conflict('the flow was not copied')
    return answerOf(call, copy)
  },
  async revertFlow(call) {
    const flow = flowOf(call, call.input.id)
    if (!call.proxy.isModified(flow.id)) throw conflict('the flow was not changed')
    await call.proxy.commands.call('flow.revert', flow)
    return answerOf(call, flowOf(call, flow.id))
  },
}

type Verb = InferOutput<(typeof flows)['chooseFlows']['body']>['action']
type Action = (around: Surroundings, flows: readonly AnyFlow[], text: string) => Promise<number>

/** A command of the proxy for those flows that it is for; the number of these. */
const command =
  (name: string, wanted: (flow: AnyFlow, around: Surroundings) => boolean = () => true, takesText = false): Action =>
  async (around, flows, text) => {
    const found = flows.filter((flow) => wanted(flow, around))
    await around.proxy.commands.call(name, found, ...(takesText ? [text] : []))
    return found.length
  }

const ACTIONS: Readonly<Record<Verb, Action>> = {
  resume: command('flow.resume', ({ intercepted }) => intercepted),
  kill: command('flow.kill', ({ live }) => live),
  revert: command('flow.revert', ({ id }, { proxy }) => proxy.isModified(id)),
  mark: command('flow.mark', undefined, true),
  comment: command('flow.comment', undefined, true),
  async intercept({ proxy }, flows) {
    const running = flows.filter(({ live }) => live)
    for (const flow of running) flow.intercept()
    proxy.update(running)
    return running.length
  },
  async replay({ proxy }, flows) {
    const requests = flows.filter((flow) => flow instanceof HttpFlow)
    // They may take their time: what becomes of them is seen in the list.
    const replayed = proxy.replay(requests)
    const refused = await Promise.race([
      replayed.then(
        () => undefined,
        (error: unknown) => error,
      ),
      turn(),
    ])
    if (refused) throw refused
    replayed.catch((error: Error) => proxy.log('error', `replay: ${error.message}`))
    return requests.length
  },
  async duplicate({ proxy }, flows) {
    return proxy.duplicate(flows).length
  },
  async delete({ proxy }, flows) {
    proxy.remove(flows)
    return flows.length
  },
}

/** Requests that cannot be replayed are refused within a turn. */
const turn = () => new Promise<undefined>((later) => setImmediate(() => later(undefined)))

async function choose({ proxy }: Surroundings, { ids, filter }: InferOutput<typeof Chosen>): Promise<AnyFlow[]> {
  if (ids) return ids.flatMap((id) => proxy.flow(id) ?? [])
  const list = proxy.list({ filter: filter || undefined })
  try {
    await list.complete
    if (list.total > MAX_IDS) {
      throw new ApiError(400, 'ERR_INPUT', `more than ${MAX_IDS} flows match: narrow the filter`, 'body.flows.filter')
    }
    return list.ids(0, MAX_IDS).flatMap((id) => proxy.flow(id) ?? [])
  } finally {
    list.close()
  }
}
