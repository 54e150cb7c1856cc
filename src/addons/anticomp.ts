// The option `anticomp`: servers are asked for bodies without a content coding.
import type { HttpFlow } from '../flow/http.js'
import type { Addon } from '../hooks.js'

export function anticomp(): Addon {
  return {
    name: 'anticomp',
    requestheaders({ request }: HttpFlow) {
      request.headers.set('Accept-Encoding', 'identity')
    },
  }
}
