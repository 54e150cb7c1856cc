// WebSocket (RFC 6455) after a 101: frames both ways, messages of the HTTP flow that began it.
import type { Layer } from './layer.js'
import { agreementOf } from './websocket/extensions.js'
import { WebSocketRelay } from './websocket/relay.js'

export const websocketLayer: Layer = function* (context) {
  const { client, scope, server, upgraded: flow } = context
  const agreement = flow?.response && agreementOf(flow.response.headers)
  if (!flow || !server || !agreement) return 'raw'
  const relay = new WebSocketRelay(context, flow, { client, server }, agreement)
  scope.subject = flow
  scope.inject = ({ toClient, kind, content }) => relay.inject(!toClient, kind, content)
  yield* relay.run()
  return undefined
}
