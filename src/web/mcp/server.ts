// The server of the Model Context Protocol: midwire's tools for a model, over stdio or over the port of the API.
import { McpServer, type McpServerFactory } from '@modelcontextprotocol/server'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import type { MidwireApi } from '../client/client.js'
import { changingTools } from './changing-tools.js'
import { readingTools } from './reading-tools.js'
import type { Tool } from './tool.js'

export interface McpOptions {
  readonly version: string
  /** With the tools that change something. Default: false. */
  readonly allowChanges?: boolean | undefined
}

const INSTRUCTIONS = `midwire records what devices, programs and services say through it (HTTP, WebSocket, DNS, TCP, UDP). \
list_flows finds flows, get_flow shows one whole. Send a program's traffic through the URL that get_state gives as proxyUrl.`

/** A maker of servers, one for each client or request. All of them work with the same midwire. */
export function mcpFactory(api: MidwireApi, { version, allowChanges = false }: McpOptions): McpServerFactory {
  const tools: readonly Tool[] = allowChanges ? [...readingTools, ...changingTools] : readingTools
  const note = allowChanges ? '' : ' midwire was started without --allow-changes: these tools only look.'
  return () => {
    const server = new McpServer({ name: 'midwire', version }, { instructions: INSTRUCTIONS + note })
    for (const tool of tools) register(server, api, tool)
    return server
  }
}

function register(
  server: McpServer,
  api: MidwireApi,
  { name, title, description, input, changes, perform }: Tool,
): void {
  const annotations = { title, readOnlyHint: !changes, destructiveHint: changes, openWorldHint: changes }
  const inputSchema = toStandardJsonSchema(input)
  server.registerTool(name, { title, description, inputSchema, annotations }, async (given, { mcpReq }) => {
    try {
      return {
        content: [{ type: 'text' as const, text: JSON.stringify(await perform(api, given as never, mcpReq.signal)) }],
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      return { content: [{ type: 'text' as const, text }], isError: true }
    }
  })
}
