// Ways in which an addon fails in a hook, and a proxy that serves all the same.
import type { ExecutionContext } from 'ava'
import { get, ok, type Running } from './proxy.js'
import { dial, listen } from './talk.js'

export const FAULTS: Record<string, () => unknown> = {
  throws() {
    throw new Error('so bad')
  },
  rejects: () => Promise.reject(new Error('so bad')),
  'never answers': () => new Promise(() => {}),
}

/** Why a hook has failed, as the log has it; `hook_timeout` is 1. */
export const reasonOf = (fault: string) => (fault === 'never answers' ? 'it has not answered within 1 s' : 'so bad')

/** The next request has its answer. */
export async function serves(t: ExecutionContext, running: Running): Promise<void> {
  const upstream = await listen(t, async (talk) => {
    await talk.hears('\r\n\r\n')
    talk.says(ok('answer'))
  })
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  t.regex(await client.hears('answer'), /^HTTP\/1\.1 200 /)
}
