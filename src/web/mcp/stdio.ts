// MCP over stdin and stdout, for one client that has started this process.
import { serveStdio as serve } from '@modelcontextprotocol/server/stdio'
import type { MidwireApi } from '../client/client.js'
import { type McpOptions, mcpFactory } from './server.js'

/** Serves until it is closed, or the client has gone. */
export const serveStdio = (api: MidwireApi, options: McpOptions): { close(): Promise<void> } =>
  serve(mcpFactory(api, options))
