// The handler of each endpoint, by its name.
import type { Api } from '../api/index.js'
import type { Handlers } from '../server/call.js'
import { actionHandlers } from './actions.js'
import { contentHandlers } from './content.js'
import { fileHandlers } from './files.js'
import { flowHandlers } from './flows.js'
import { messageHandlers } from './messages.js'
import { peerHandlers } from './peers.js'
import { proxyHandlers } from './proxy.js'
import { ruleHandlers } from './rule-handlers.js'

export const HANDLERS: Handlers<Api> = {
  ...flowHandlers,
  ...contentHandlers,
  ...messageHandlers,
  ...actionHandlers,
  ...fileHandlers,
  ...proxyHandlers,
  ...peerHandlers,
  ...ruleHandlers,
}
