// The OpenAPI document, held against the standard by a validator of others.
import { Validator } from '@seriousme/openapi-schema-validator'
import test from 'ava'
import { API } from '../../src/web/api/index.js'
import { openApi } from '../../src/web/openapi.js'

interface Document extends Record<string, unknown> {
  info: { version: string }
  paths: Record<string, Record<string, { operationId: string }>>
  components: { schemas: Record<string, unknown> }
}

test('the OpenAPI document is valid, and has every endpoint and the messages of both ways', async (t) => {
  const document = openApi('1.2.3') as unknown as Document
  const validator = new Validator()
  t.deepEqual(await validator.validate(structuredClone(document)), { valid: true })
  t.is(validator.version, '3.1')
  t.is(document.info.version, '1.2.3')
  const methods = Object.values(document.paths).flatMap((path) => Object.values(path))
  t.deepEqual(methods.map(({ operationId }) => operationId).sort(), Object.keys(API).sort())
  const { schemas } = document.components
  const references = JSON.stringify(document).match(/(?<="#\/components\/schemas\/)\w+/g) ?? []
  t.deepEqual(
    references.filter((name) => !(name in schemas)),
    [],
  )
  t.true('ClientMessage' in schemas && 'ServerMessage' in schemas)
})
