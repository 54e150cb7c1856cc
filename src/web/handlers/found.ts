// The flow that an endpoint is about, and the flow as the API answers with it.
import type { AnyFlow, HttpFlow, HttpRequest, HttpResponse } from '../../index.js'
import type { Flow } from '../api/schemas/flow.js'
import type { Surroundings } from '../server/call.js'
import { conflict, notFound } from '../server/failure.js'
import { flowJson } from '../shape/flow.js'

/** The flow itself. Throws an ApiError, 404. */
export function flowOf({ proxy }: Surroundings, id: string): AnyFlow {
  const flow = proxy.flow(id)
  if (!flow) throw notFound(`flow ${id}`)
  return flow
}

/** The flow as outputs may see it. Throws an ApiError, 404. */
export const shownFlow = (around: Surroundings, id: string): AnyFlow => around.proxy.shown(flowOf(around, id))

/** Throws an ApiError, 409. */
export function httpOf(flow: AnyFlow): HttpFlow {
  if (flow.type !== 'http') throw conflict(`this is a flow of ${flow.type.toUpperCase()}, and has no requests`)
  return flow
}

/** Throws an ApiError: 404 and 409. */
export function partOf(flow: AnyFlow, part: 'request' | 'response'): HttpRequest | HttpResponse {
  const message = httpOf(flow)[part]
  if (!message) throw notFound(`${part} yet`)
  return message
}

/** What is answered where a flow is. */
export function answerOf({ proxy, numberOf }: Surroundings, flow: AnyFlow): Flow {
  return flowJson(proxy.shown(flow), { number: numberOf(flow.id), modified: proxy.isModified(flow.id) })
}
