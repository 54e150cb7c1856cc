// An option of its own says which header is added: midwire -s examples/header-option.ts --set seen_header=X-Test
import type { ConfigureHook, HttpFlow, OptionDefinitions } from 'midwire'

// It is there for --set, config.yaml and proxy.options, and `midwire --options -s examples/header-option.ts` lists it.
export const options: OptionDefinitions = {
  seen_header: { type: 'string', default: 'X-Seen-At', help: 'the header that says when a response was seen' },
}

let header = ''

// Called before the first connection, and again whenever options change. An error refuses the value.
export function configure({ options }: ConfigureHook) {
  const name = String(options.seen_header)
  if (!/^[\w-]+$/.test(name)) throw new Error(`seen_header: ${name} is no name of a header`)
  header = name
}

export function response(flow: HttpFlow) {
  flow.response?.headers.set(header, new Date().toISOString())
}
