/** The open loop in a process of its own, so that it does not share a thread with what reads its results. */

import { readFileSync } from 'node:fs'
import type { Sender } from './calls.ts'
import { openLoop } from './load.ts'

/** Sends to numbers one after the other, or the bodies of a file in turn, one a line; callers take turns. */
type Options = {
  readonly urls: readonly string[]
  readonly callers: readonly Sender[]
  readonly perSecond: number
  readonly seconds: number
} & ({ readonly from: number } | { readonly bodies: string })

const options = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Options
const headers = options.callers.map(({ token, ip }) => ({
  'Content-Type': 'application/json',
  'X-Access-Token': token,
  ...(options.callers.length > 1 && { 'X-Client-IP': ip }),
}))
console.log(JSON.stringify(await openLoop(options.urls, headers, bodiesOf(options), options)))

function bodiesOf(given: Options): (nth: number) => string {
  if ('from' in given) return (nth) => `{"contact":"+86${given.from + nth}","country":"chinaPR"}`
  const bodies = readFileSync(given.bodies, 'utf8').split('\n')
  return (nth) => bodies[nth % bodies.length]!
}
