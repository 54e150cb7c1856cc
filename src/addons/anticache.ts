// The option `anticache`: servers send whole answers, and no 304 in their place.
import type { HttpFlow } from '../flow/http.js'
import type { Addon } from '../hooks.js'

export function anticache(): Addon {
  return {
    name: 'anticache',
    requestheaders({ request }: HttpFlow) {
      request.headers.delete('if-none-match')
      request.headers.delete('if-modified-since')
    },
  }
}
