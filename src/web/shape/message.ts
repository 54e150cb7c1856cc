// The messages of a flow as the API's JSON: those of a WebSocket, of a raw flow, or of a body that comes in messages.
import { isUtf8 } from 'node:buffer'
import type { AnyFlow, RawMessage, StreamMessage, WebSocketMessage } from '../../index.js'
import { type Flow, MESSAGE_PREVIEW, type Message } from '../api/schemas/flow.js'

export type AnyMessage = WebSocketMessage | StreamMessage | RawMessage

/** The recorded messages of a flow, in their order. */
export function messagesOf(flow: AnyFlow): readonly AnyMessage[] {
  if (flow.type === 'http') return flow.websocket?.messages ?? flow.messages?.recorded ?? []
  return flow.type === 'dns' ? [] : flow.messages
}

/**
 * The messages that wait to be let go, by their indices: one that is not recorded yet, or for which there is no room, comes behind
 * those that are. None where the flow does not wait.
 */
export function waitingMessages(flow: AnyFlow): ReadonlyMap<number, AnyMessage> {
  const recorded = messagesOf(flow)
  let next = recorded.length
  return new Map(
    flow.intercepted
      ? passingOf(flow).map((message) => {
          const at = recorded.lastIndexOf(message)
          return [at === -1 ? next++ : at, message]
        })
      : [],
  )
}

/** The messages whose hooks run, or which wait after them. */
export function passingOf(flow: AnyFlow): readonly (WebSocketMessage | RawMessage)[] {
  if (flow.type === 'dns') return []
  if (flow.type !== 'http') return flow.passing
  const passing = flow.websocket?.passing
  return passing ? [passing] : []
}

/** Undefined where a flow has no messages. */
export function conversationOf(flow: AnyFlow): Flow['messages'] {
  if (flow.type === 'dns') return undefined
  const none = { closedByClient: undefined, closeCode: undefined, closeReason: undefined }
  if (flow.type !== 'http') {
    const { messages, bytesFromClient, bytesFromServer, truncated } = flow
    const fromClient = messages.filter((message) => message.fromClient).length
    const counts = { fromClient, fromServer: messages.length - fromClient, bytesFromClient, bytesFromServer }
    return { ...counts, recorded: messages.length, truncated, ...none }
  }
  const { websocket, messages } = flow
  if (websocket) {
    const { messagesFromClient, messagesFromServer, bytesFromClient, bytesFromServer, truncated } = websocket
    const { closedByClient, closeCode, closeReason } = websocket
    return {
      ...{ fromClient: messagesFromClient, fromServer: messagesFromServer, bytesFromClient, bytesFromServer },
      ...{ recorded: websocket.messages.length, truncated, closedByClient, closeCode, closeReason },
    }
  }
  if (!messages) return undefined
  const { fromClient, fromServer, recorded, truncated } = messages
  const [bytesFromClient, bytesFromServer] = [flow.request.body.length, flow.response?.body.length ?? 0]
  return { fromClient, fromServer, bytesFromClient, bytesFromServer, recorded: recorded.length, truncated, ...none }
}

export function messageJson(message: AnyMessage, index: number): Message {
  const { fromClient, timestamp, content } = message
  const preview = content.length > MESSAGE_PREVIEW ? whole(content.subarray(0, MESSAGE_PREVIEW)) : content
  const shown = isUtf8(preview) ? { text: preview.toString() } : { base64: preview.toString('base64') }
  const common = { index, fromClient, timestamp, ...shown }
  if (!('kind' in message)) return { ...common, kind: 'bytes', length: content.length, injected: false, dropped: false }
  if ('injected' in message) {
    const { kind, length, injected, dropped } = message
    return { ...common, kind, length, injected, dropped }
  }
  const { kind, dropped, event, id } = message
  return { ...common, kind, length: content.length, injected: false, dropped, event, id }
}

/** Cut text is text still: the bytes of a character that is not there as a whole go. */
function whole(bytes: Buffer): Buffer {
  for (let less = 1; less <= 3; less++) {
    const byte = bytes[bytes.length - less] ?? 0
    if (byte < 0x80) break
    if (byte >= 0xc0) return isUtf8(bytes) ? bytes : bytes.subarray(0, bytes.length - less)
  }
  return bytes
}
