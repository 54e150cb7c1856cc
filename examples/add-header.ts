// Adds a header to every request and to every response: midwire -s examples/add-header.ts
import type { HttpFlow } from 'midwire'

export function request(flow: HttpFlow) {
  flow.request.headers.set('X-Debug', '1')
}

export function response(flow: HttpFlow) {
  flow.response?.headers.set('X-Seen-By', 'midwire')
}
