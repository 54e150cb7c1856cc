// The page and the remote API of a proxy, and the tools for models over both.
import type { MidwireApi } from './client/client.js'
import type { McpOptions } from './mcp/server.js'

export { createClient, type MidwireApi } from './client/client.js'
export { startWeb, type WebOptions, type WebServer } from './server/server.js'

/** Tools for a model over stdin and stdout. The library of their protocol is loaded only here. */
export async function serveStdio(api: MidwireApi, options: McpOptions): Promise<{ close(): Promise<void> }> {
  const stdio = await import('./mcp/stdio.js')
  return stdio.serveStdio(api, options)
}
