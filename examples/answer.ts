// Answers for a server that may not even exist: midwire -s examples/answer.ts, then curl -x localhost:8080 http://api.example/user
import { type HttpFlow, HttpResponse } from 'midwire'

export function request(flow: HttpFlow) {
  if (flow.request.prettyHost !== 'api.example') return
  flow.response = new HttpResponse({
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    content: JSON.stringify({ name: 'Ada', path: flow.request.path }),
  })
}
