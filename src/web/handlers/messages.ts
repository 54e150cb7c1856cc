// The messages of flows: listed, one by its bytes or as a view shows it, and sent in the name of one side.
import type { AnyFlow } from '../../index.js'
import type { flows } from '../api/tables/flows.js'
import type { Handlers, Surroundings } from '../server/call.js'
import { conflict, notFound } from '../server/failure.js'
import { type AnyMessage, messageJson, messagesOf, waitingMessages } from '../shape/message.js'
import { bytesOf } from './changes.js'
import { recordedBytes } from './content.js'
import { flowOf, shownFlow } from './found.js'
import { rendered } from './rendered.js'

type Table = Pick<typeof flows, 'listMessages' | 'getMessage' | 'viewMessage' | 'injectMessage'>

const DEFAULT_LIMIT = 100

export const messageHandlers: Handlers<Table> = {
  listMessages(call) {
    const { id, offset = 0, limit = DEFAULT_LIMIT } = call.input
    const messages = messagesOf(shownFlow(call, id))
    const page = messages.slice(offset, offset + limit)
    return { messages: page.map((message, at) => messageJson(message, offset + at)), total: messages.length }
  },
  getMessage(call) {
    const { id, index } = call.input
    const { message } = messageOf(call, id, index)
    return recordedBytes(message.content, undefined, `message-${id.slice(0, 8)}-${index}`)
  },
  viewMessage(call) {
    const { id, index, ...query } = call.input
    const { flow, message } = messageOf(call, id, index)
    const kind =
      flow.type === 'http' ? (flow.websocket ? 'websocket' : 'body') : flow.type === 'dns' ? 'body' : flow.type
    const contentType = 'kind' in message ? TYPES[message.kind] : undefined
    const path = flow.type === 'http' ? flow.request.path : undefined
    return rendered(call, message.content, query, { kind, contentType, path, fromClient: message.fromClient, flow })
  },
  injectMessage(call) {
    const { id } = call.input
    const { to, content } = call.body
    const flow = flowOf(call, id)
    if (flow.type === 'dns') throw conflict('a flow of DNS has no messages')
    const isOpen = flow.live && (flow.type !== 'http' || flow.websocket !== undefined)
    if (!isOpen) throw conflict('the flow is no WebSocket or raw flow that is open')
    flow.inject(to, 'text' in content ? content.text : bytesOf(content))
    return undefined
  },
}

/** The types of messages within bodies. */
const TYPES: Readonly<Record<string, string | undefined>> = {
  grpc: 'application/x-protobuf',
  ndjson: 'application/json',
}

function messageOf(around: Surroundings, id: string, index: number): { flow: AnyFlow; message: AnyMessage } {
  const flow = shownFlow(around, id)
  const message = messagesOf(flow)[index] ?? waitingMessages(flow).get(index)
  if (!message) throw notFound(`message ${index}`)
  return { flow, message }
}
