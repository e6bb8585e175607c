/** Holds the answers that tests get to the API's document, and notes which of the documented ones came. */

import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { callOf, faultsOf, problemOf, type SeenAnswer } from './api-document.ts'

/** Where a whole run of the tests gathers what came, see scripts/test.ts. */
const folder = process.env.COUNTERSIGN_SEEN_ANSWERS
const noted = new Set<string>()

/**
 * @param path  As it was asked for, with its query.
 * @throws AssertionError if the document does not promise such an answer. Paths that are no call of it are not looked at.
 */
export function assertPromised(method: string, path: string, answer: SeenAnswer): void {
  const call = callOf(method, path.split('?', 1)[0]!)
  if (!call) return
  assert.deepEqual(faultsOf(call, answer), [])
  if (folder === undefined) return
  const line = nameOfAnswer(call.id, answer.status, problemIn(answer))
  if (noted.has(line)) return
  noted.add(line)
  appendFileSync(join(folder, String(process.pid)), `${line}\n`)
}

/** e.g. `checkVerification 409 state-conflict`. */
export function nameOfAnswer(call: string, status: number, problem: string): string {
  return [call, status, problem].filter((one) => one !== '').join(' ')
}

function problemIn({ contentType, text }: SeenAnswer): string {
  return contentType.startsWith('application/problem+json') ? problemOf(JSON.parse(text)) : ''
}
