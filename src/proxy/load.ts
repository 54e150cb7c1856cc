// Runs a flow that was read from a file through the hooks that it would have run, in their order, and no further.
import type { HttpFlow } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { TcpFlow, UdpFlow } from '../flow/messages.js'
import type { Dispatcher } from './dispatch.js'

/** The order is that of mitmproxy's `eventsequence.iterate`, but that no flow has both `response` and `error`. Messages come one by one, as they came to a flow that ran. */
export async function loadFlow(flow: AnyFlow, dispatcher: Dispatcher): Promise<void> {
  if (flow.type === 'http') return loadHttp(flow, dispatcher)
  if (flow.type !== 'dns') return loadRaw(flow, dispatcher)
  await dispatcher.run('dns_request', flow)
  if (flow.response) await dispatcher.run('dns_response', flow)
  if (flow.error) await dispatcher.run('dns_error', flow)
}

async function loadHttp(flow: HttpFlow, dispatcher: Dispatcher): Promise<void> {
  await dispatcher.run('requestheaders', flow)
  await dispatcher.run('request', flow)
  const { websocket } = flow
  if (flow.response) await dispatcher.run('responseheaders', flow)
  if (flow.response && (websocket || !flow.error)) await dispatcher.run('response', flow)
  if (websocket) {
    const messages = websocket.messages.splice(0)
    websocket.last = undefined
    await dispatcher.run('websocket_start', flow)
    for (const message of messages) {
      websocket.messages.push(message)
      websocket.last = message
      await dispatcher.run('websocket_message', flow)
    }
    await dispatcher.run('websocket_end', flow)
  } else if (flow.error) await dispatcher.run('error', flow)
}

async function loadRaw(flow: TcpFlow | UdpFlow, dispatcher: Dispatcher): Promise<void> {
  const name = flow.type
  const messages = flow.messages.splice(0)
  flow.last = undefined
  await dispatcher.run(`${name}_start`, flow as never)
  for (const message of messages) {
    flow.messages.push(message)
    flow.last = message
    await dispatcher.run(`${name}_message`, flow as never)
  }
  await dispatcher.run(flow.error ? `${name}_error` : `${name}_end`, flow as never)
}
