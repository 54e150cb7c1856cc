// Files with flows: those that are read, and those that are written.
import type { flows } from '../api/tables/flows.js'
import type { Handlers } from '../server/call.js'

export const fileHandlers: Handlers<Pick<typeof flows, 'downloadFlows' | 'uploadFlows'>> = {
  async downloadFlows({ proxy, input: { format = 'flows', filter, ids } }) {
    const pieces = proxy.dump({ format, filter: filter || undefined, ids })
    const isHar = format === 'har'
    // The first piece shows whether the filter is right, while an error can still be answered.
    const first = await pieces.next()
    return {
      type: isHar ? 'application/json' : 'application/octet-stream',
      content: after(first, pieces),
      recorded: true,
      name: isHar ? 'flows.har' : 'flows',
    }
  },
  uploadFlows: async ({ proxy, bytes }) => ({ flows: await proxy.load(bytes) }),
}

async function* after(
  first: IteratorResult<Buffer, void>,
  rest: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  try {
    if (!first.done) yield first.value
    yield* rest
  } finally {
    await rest.return()
  }
}
