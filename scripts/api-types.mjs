// The types of `midwire/api` as one readable file, made from the OpenAPI document of the compiled sources: interfaces instead of schemas.
import { writeFileSync } from 'node:fs'
import { rollUp } from './support/roll-up.mjs'
import { at, main } from './support/run.mjs'

const indent = (text) => text.replaceAll('\n', '\n  ')

const key = (name) => (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name))

const union = (schemas) => [...new Set(schemas.map(typeOf))].join(' | ')

/** The TypeScript type of a JSON Schema. */
function typeOf(schema) {
  if (schema.$ref !== undefined) return schema.$ref.replace(/^.*\//, '')
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return union(choices)
  if (schema.allOf) return schema.allOf.map((one) => `(${typeOf(one)})`).join(' & ')
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => ({ ...schema, type })))
  if (schema.prefixItems) return `readonly [${schema.prefixItems.map(typeOf).join(', ')}]`
  switch (schema.type) {
    case 'object':
      return objectType(schema)
    case 'array': {
      const item = typeOf(schema.items ?? {})
      return `readonly ${/^[^{]* [|&] |^readonly/.test(item) ? `(${item})` : item}[]`
    }
    case 'integer':
      return 'number'
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return schema.type
    case undefined:
      return 'unknown'
  }
  throw new Error(`there is no TypeScript type for the schema ${JSON.stringify(schema)}`)
}

function objectType({ properties = {}, required = [], additionalProperties }) {
  const fields = Object.entries(properties).map(
    ([name, schema]) => `\n  readonly ${key(name)}${required.includes(name) ? '' : '?'}: ${indent(typeOf(schema))}`,
  )
  if (fields.length > 0) return `{${fields.join('')}\n}`
  return `Readonly<Record<string, ${additionalProperties ? typeOf(additionalProperties) : 'unknown'}>>`
}

/** The content of a body or an answer; undefined for none. */
function contentType(content, bytes) {
  if (!content) return undefined
  const schema = content['application/json']?.schema
  return schema ? typeOf(schema) : bytes
}

function method({ operationId, summary, description, parameters = [], requestBody, responses }) {
  const given = {
    properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
  }
  const body = contentType(requestBody?.content, 'Uint8Array | string')
  const isOptional = given.required.length === 0 && body === undefined
  const first = parameters.length > 0 ? objectType(given) : 'Readonly<Record<never, never>>'
  const parts = [
    `given${isOptional ? '?' : ''}: ${first}`,
    ...(body === undefined ? [] : [`body${requestBody.required ? '' : '?'}: ${body}`]),
  ]
  const answer = contentType(responses[200]?.content, 'Response') ?? 'undefined'
  const about = [summary, ...(description === undefined ? [] : [description])].join('. ')
  return indent(`\n/** ${about} */\n${operationId}(${parts.join(', ')}): Promise<${answer}>`)
}

/** The text of the file: `document` is the OpenAPI document, `contract` the types of what is no endpoint. */
function apiTypes(document, contract) {
  const named = Object.entries(document.components.schemas).map(([name, schema]) =>
    schema.properties
      ? `export interface ${name} ${objectType(schema)}\n`
      : `export type ${name} = ${typeOf(schema)}\n`,
  )
  const methods = Object.values(document.paths).flatMap((path) => Object.values(path).map(method))
  return [
    '// The types of midwire/api: made from its OpenAPI document by scripts/build.mjs.\n',
    ...named,
    `/**
 * A method for each endpoint: what stands in the path and the query comes first, and then the body: \`api.listFlows({ filter: '~c 500' })\`,
 * \`api.editFlow({ id }, { marked: ':star:' })\`. A method rejects with an ApiFailure where the answer is an error.
 */
export interface MidwireApi {${methods.join('')}\n}\n`,
    contract,
    '/** Throws a TypeError for a URL that is none. */\nexport declare function createClient(options?: ClientOptions): MidwireApi\n',
  ].join('\n')
}

await main(async () => {
  const { openApi } = await import('../dist/web/openapi.js')
  const types = apiTypes(openApi(''), await rollUp('src/web/client/contract.ts'))
  writeFileSync(at('dist/web/client/index.d.ts'), types)
})
