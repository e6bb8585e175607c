/** The calls that load a server, as scripts of wrk: sends to numbers nobody asked for before, right codes, and the floor's. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const path = '/v1/usg/dcs/member/verification-code'

/** Of one thread in one load: more than it can ask for. */
const numbersOfThread = 500_000
const firstNumber = 13_000_000_000
const mostNumbers = 999_000_000
let taken = 0

/** Numbers that no call so far was for. */
export function takeNumbers(count: number): number {
  const from = taken
  taken += count
  if (taken > mostNumbers) throw new Error('no more numbers')
  return from
}

let lastSent = { from: 0, threads: 1 }

/** Numbers that the last load sent to first, about as many of each thread; some it may not have come to. */
export function lastNumbers(most: number): number[] {
  const { from, threads } = lastSent
  return Array.from(
    { length: most },
    (_, i) => from + (i % threads) * numbersOfThread + 1 + Math.floor(i / threads),
  )
}

/** Each thread sends to numbers of its own. */
export function sendScript(token: string, threads: number): string {
  const from = firstNumber + takeNumbers(numbersOfThread * threads)
  lastSent = { from, threads }
  return `local before, after, n
begin = function()
  n = ${from} + nth * ${numbersOfThread}
  local whole = wrk.format("POST", "${path}", {["Content-Type"]="application/json", ["X-Access-Token"]="${token}"},
    '{"contact":"+8613000000000","country":"chinaPR"}')
  before, after = whole:match("^(.*)13000000000(.*)$")
end
request = function()
  n = n + 1
  return before .. n .. after
end`
}

/** Each thread enters codes of its own, over and over if they do not last. */
export function verifyScript(
  folder: string,
  token: string,
  threads: number,
  codes: readonly (readonly [string, string])[],
): string {
  const file = join(folder, `codes-${Math.random().toString(36).slice(2)}.txt`)
  writeFileSync(file, codes.map(([contact, code]) => `${contact} ${code}`).join('\n'))
  return `local calls = {}
begin = function()
  local headers = {["Content-Type"]="application/json", ["X-Access-Token"]="${token}"}
  local i = 0
  for line in io.lines("${file}") do
    if i % ${threads} == nth then
      local contact, code = line:match("(%S+) (%S+)")
      calls[#calls + 1] = wrk.format("POST", "${path}/verify", headers,
        string.format('{"contact":"%s","verificationCode":"%s"}', contact, code))
    end
    i = i + 1
  end
end
local n = 0
request = function()
  n = n % #calls + 1
  return calls[n]
end`
}

export const floorScript = `
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Access-Token"] = "${'x'.repeat(40)}"
wrk.body = '{"contact":"+8613800138000","country":"chinaPR"}'
`
