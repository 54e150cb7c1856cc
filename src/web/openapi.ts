// The OpenAPI 3.1 document of the remote API, made from its table.
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema'
import type { GenericSchema } from 'valibot'
import { type Bytes, type Endpoint, type EndpointTable, isBytes } from './api/endpoint.js'
import { API, API_ROOT } from './api/index.js'
import { Failure } from './api/schemas/common.js'
import * as flow from './api/schemas/flow.js'
import * as proxy from './api/schemas/proxy.js'
import { Row } from './api/schemas/row.js'
import { ClientMessage, ServerMessage } from './api/updates.js'

/** Schemas that have names in the document. */
const NAMED = {
  ...{ Row, Flow: flow.Flow, Message: flow.Message, Rendered: flow.Rendered, FlowChanges: flow.FlowChanges },
  ...{ Option: proxy.Option, Mode: proxy.Mode, Peer: proxy.Peer, LogLine: proxy.LogLine, Command: proxy.Command },
  ...{ Usage: proxy.Usage, State: proxy.State, Mock: proxy.Mock, Breakpoint: proxy.Breakpoint, Failure },
  ...{ ClientMessage, ServerMessage },
} as const satisfies Record<string, GenericSchema>

type Document = Record<string, unknown>

let made: Document | undefined

/** It is made once, when it is asked for. */
export function openApi(version: string): Document {
  made ??= document(version)
  return made
}

function document(version: string): Document {
  const components = Object.fromEntries(
    Object.entries(NAMED).map(([name, schema]) => [name, schemaOf(schema, 'output', name)]),
  )
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [name, endpoint] of Object.entries(API as EndpointTable)) {
    const path = `${API_ROOT}${endpoint.path.replace(/:(\w+)/g, '{$1}')}`
    paths[path] ??= {}
    const methods = paths[path] as Record<string, unknown>
    methods[endpoint.method.toLowerCase()] = operation(name, endpoint)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'midwire',
      version,
      summary: 'See and steer a running midwire',
      description: `Changes are followed by the WebSocket ${API_ROOT}/updates: a client sends ClientMessage, and gets ServerMessage.`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { cookie: [] }],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'the token of the URL that midwire prints' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'midwire_8081', description: 'named with the port' },
      },
    },
  }
}

function operation(name: string, { summary, description, params, query, body, response }: Endpoint): Document {
  const parameters = [...parametersOf(params, 'path'), ...parametersOf(query, 'query')]
  return {
    operationId: name,
    summary,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: isBytes(body) || body.type !== 'optional', content: contentOf(body, 'input') },
    }),
    responses: {
      ...(response === undefined
        ? { 204: { description: 'it is done' } }
        : {
            200: {
              description: isBytes(response) ? response.description : summary,
              content: contentOf(response, 'output'),
            },
          }),
      default: {
        description: 'why not',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } },
      },
    },
  }
}

function parametersOf(schema: GenericSchema | undefined, where: 'path' | 'query'): Document[] {
  const { properties = {}, required = [] } = (schema ? schemaOf(schema, 'input') : {}) as {
    properties?: Record<string, Document>
    required?: string[]
  }
  return Object.entries(properties).map(([name, one]) => {
    return { name, in: where, required: where === 'path' || required.includes(name), schema: one }
  })
}

function contentOf(content: GenericSchema | Bytes, mode: 'input' | 'output'): Document {
  if (!isBytes(content)) return { 'application/json': { schema: schemaOf(content, mode) } }
  // OpenAPI 3.1: bytes have no schema.
  return Object.fromEntries(content.types.map((type) => [type, {}]))
}

/** `own`: the name of the schema itself, which is not a reference to itself. */
function schemaOf(schema: GenericSchema, typeMode: 'input' | 'output', own?: string): Document {
  const definitions = Object.fromEntries(Object.entries(NAMED).filter(([name]) => name !== own))
  const config: ConversionConfig = { target: 'draft-2020-12', typeMode, errorMode: 'ignore', definitions }
  const { $schema: _, $defs: __, ...rest } = toJsonSchema(schema, config) as Document
  return JSON.parse(JSON.stringify(rest).replaceAll('#/$defs/', '#/components/schemas/')) as Document
}
