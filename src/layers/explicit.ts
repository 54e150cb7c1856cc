// The first layer of clients that connect to midwire itself, and name their destination within the connection.
import type { Layer } from './layer.js'

export const explicitLayer: Layer = function* () {
  yield { type: 'accept' }
  return 'next'
}
