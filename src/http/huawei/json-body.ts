/** Bodies as the dialect's callers send them: JSON, once more with trailing commas allowed. */

import { type ParseError, parse } from 'jsonc-parser'

export type JsonBody = { readonly kind: 'json'; readonly value: unknown } | { readonly kind: 'malformed' }

/**
 * Strict first. Only if that fails the text is read again with trailing commas, for the reference's
 * own cURL sample has one and newcomers paste it. No comments, no single quotes.
 */
export function parseJsonBody(text: string): JsonBody {
  try {
    return { kind: 'json', value: JSON.parse(text) }
  } catch {
    const errors: ParseError[] = []
    const value: unknown = parse(text, errors, { allowTrailingComma: true, disallowComments: true })
    return errors.length === 0 ? { kind: 'json', value } : { kind: 'malformed' }
  }
}
