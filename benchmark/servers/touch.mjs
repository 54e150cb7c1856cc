// The addon of the HTTP benchmark: one field more each way.
export function requestheaders(flow) {
  flow.request.headers.set('X-Touch', '1')
}

export function responseheaders(flow) {
  flow.response.headers.set('X-Touch', '1')
}
