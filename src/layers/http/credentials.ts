// Proxy-Authorization from a client of an explicit proxy: it is meant for midwire, and neither servers nor outputs get it.
import type { HttpFlow } from '../../flow/http.js'
import { type Context, hook, type MaybeStep, type Step } from '../layer.js'

const NAME = 'proxy-authorization'

/** Runs a hook that may read the credentials, and removes them then. A field that an addon has set in their place stays. */
export function hookWithCredentials(
  context: Context,
  name: 'requestheaders' | 'http_connect',
  flow: HttpFlow,
): MaybeStep {
  return flow.request.headers.has(NAME) ? withCredentials(context, name, flow) : hook(context, name, flow)
}

function* withCredentials(context: Context, name: 'requestheaders' | 'http_connect', flow: HttpFlow): Step<void> {
  const { headers } = flow.request
  const sent = new Set(headers.getAll(NAME))
  try {
    yield* hook(context, name, flow)
  } finally {
    // The end of the connection may have been thrown in place of the hook's answer, and the flow goes to the outputs all the same.
    headers.set(
      NAME,
      headers.getAll(NAME).filter((value) => !sent.has(value)),
    )
  }
}
