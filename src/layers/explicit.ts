// Where clients connect to midwire itself, and say inside where they want to go.
import type { Layer } from './layer.js'

export const explicitLayer: Layer = function* () {
  yield { type: 'accept' }
  return 'next'
}
