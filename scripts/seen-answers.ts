/** Which answers that the API's document promises came in no test of a run, by what `test/promised.ts` noted. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { apiCalls } from '../test/api-document.ts'
import { nameOfAnswer } from '../test/promised.ts'

/** @param folder  With a file of each process that had tests. */
export function unseenAnswers(folder: string): string[] {
  const seen = new Set(
    readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n')),
  )
  return promisedAnswers().filter((name) => !seen.has(name) && !isElsewhere(name))
}

/** Answers that a test over HTTP cannot bring about. */
const elsewhere: readonly string[] = [
  // Between the start and the solution the settings would have to lose the route.
  'solveChallenge 422 address-unreachable',
  'solveOnPage 422 address-unreachable',
]

/** Refusals of the wire are documented by their status alone; tests of the wire look at their codes, which say more. */
function isElsewhere(name: string): boolean {
  return elsewhere.includes(name) || /^wire\w+ [45]/.test(name)
}

function promisedAnswers(): string[] {
  return apiCalls.flatMap(({ id, answers }) =>
    [...answers].flatMap(([status, { problems }]) =>
      (problems.length > 0 ? problems : ['']).map((problem) => nameOfAnswer(id, status, problem)),
    ),
  )
}
