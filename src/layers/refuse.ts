// Refuses a client, without a flow: the end of what an option does not let pass.
import type { Layer } from './layer.js'

/** A tunnel tells a client of UDP that the port is not reachable. From a socket nothing can be said: the datagrams are dropped. */
export const refuseLayer: Layer = function* ({ client }) {
  yield { type: 'reset', channel: client }
  return undefined
}
