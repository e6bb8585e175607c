/** `/v1/openapi.json`: the document of the whole API. */

import { Type } from '../../json-schema.ts'
import { route } from './route.ts'

export const documentRoute = route({
  operationId: 'readDocument',
  method: 'GET',
  path: '/openapi.json',
  tag: 'Document',
  summary: 'This document.',
  description: 'OpenAPI 3.1, made from the declarations by which the server checks its calls.',
  access: 'public',
  answers: { 200: { description: 'The document.', schema: Type.Unsafe<object>({ type: 'object' }) } },
  problems: [],
  handle: ({ document }) => ({
    status: 200,
    headers: { 'access-control-allow-origin': '*' },
    body: document(),
  }),
})
