/** Reads the bodies of a dialect's calls: JSON whatever the content type is, or nothing. */

import type { FastifyInstance } from 'fastify'
import { parseJson, parseText } from '../outside.ts'
import { RequestError } from './request-problem.ts'

/**
 * An empty body is `undefined`; a malformed one is a `RequestError`.
 * @param options.trailingCommas  Whether a text that is no JSON is read again without commas before closing brackets.
 */
export function readJsonBodies(
  app: FastifyInstance,
  { trailingCommas }: { readonly trailingCommas: boolean },
): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    const text = parseText(body as Buffer)
    const outcome = text.kind === 'parsed' ? parseJson(text.value, { trailingCommas }) : text
    if (outcome.kind === 'parsed') done(null, outcome.value)
    else done(new RequestError(outcome.problem))
  })
}
