/** The open loop in a process of its own, so that it does not share a thread with what reads its results. */

import { openLoop } from './load.ts'

const { url, token, perSecond, seconds, from } = JSON.parse(process.argv[2]!) as {
  url: string
  token: string
  perSecond: number
  seconds: number
  from: number
}
const headers = { 'Content-Type': 'application/json', 'X-Access-Token': token }
const body = (nth: number) => `{"contact":"+86${13_000_000_000 + from + nth}","country":"chinaPR"}`
console.log(JSON.stringify(await openLoop(url, headers, body, { perSecond, seconds })))
