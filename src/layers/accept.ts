// The first layer of clients that connect to midwire itself: they are accepted at once, before any server is connected to.
import type { Layer } from './layer.js'

export const acceptLayer: Layer = function* () {
  yield { type: 'accept' }
  return 'next'
}
