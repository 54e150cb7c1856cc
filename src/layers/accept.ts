// The first layer of clients that connect to midwire itself: they are accepted at once, and served whatever becomes of the server.
import type { Layer } from './layer.js'

export const acceptLayer: Layer = function* () {
  yield { type: 'accept' }
  return 'next'
}
