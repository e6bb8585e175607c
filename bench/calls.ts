/** The calls that load a server, as scripts of wrk: sends to numbers nobody asked for before, right codes, and the floor's. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const path = '/v1/usg/dcs/member/verification-code'

/** Of one thread in one load: more than it can ask for. */
const numbersOfThread = 500_000
/** Of the native API. */
export const startPath = '/v1/verifications'

/** Without the calling code: mobile numbers of China, and of India where codes are to be learnt. */
const blocks = {
  CN: { first: 13_000_000_000, count: 999_000_000, taken: 0 },
  IN: { first: 9_800_000_000, count: 90_000_000, taken: 0 },
}

/** A contact, and the right code for it. */
export type Code = readonly [contact: string, code: string]

/** The first of numbers that no call so far was for. */
export function takeNumbers(count: number, country: keyof typeof blocks = 'CN'): number {
  const block = blocks[country]
  const from = block.first + block.taken
  block.taken += count
  if (block.taken > block.count) throw new Error('no more numbers')
  return from
}

/** Each thread sends to numbers of its own, `from` on. */
export function sendScript(token: string, threads: number): string {
  return toNumbers(
    path,
    `["X-Access-Token"]="${token}"`,
    '{"contact":"+8613000000000","country":"chinaPR"}',
    threads,
  )
}

/** The same by the native API. */
export function startScript(apiKey: string, threads: number): string {
  return toNumbers(startPath, `["Authorization"]="Bearer ${apiKey}"`, '{"to":"+8613000000000"}', threads)
}

function toNumbers(path: string, header: string, body: string, threads: number): string {
  const from = takeNumbers(numbersOfThread * threads)
  return `local before, after, n
begin = function()
  n = ${from} + nth * ${numbersOfThread}
  local whole = wrk.format("POST", "${path}", {["Content-Type"]="application/json", ${header}}, '${body}')
  before, after = whole:match("^(.*)13000000000(.*)$")
end
request = function()
  n = n + 1
  return before .. n - 1 .. after
end`
}

/** A member of a load with limits on: its token, and the address in `X-Client-IP` that makes its network its own. */
export type Sender = { readonly token: string; readonly ip: string }

/** What one member may ask for at once under the default limits; see docs/limits.md. */
export const sendsOfMember = 5

/** Members send by turns, each only as often as the default limits let it; then they begin again, and are refused. */
export function limitedSendScript(folder: string, senders: readonly Sender[]): string {
  const from = takeNumbers(senders.length * sendsOfMember)
  const file = join(folder, `senders-${Math.random().toString(36).slice(2)}.txt`)
  writeFileSync(file, senders.map(({ token, ip }) => `${token} ${ip}`).join('\n'))
  return `local calls, n = {}, 0
begin = function()
  for line in io.lines("${file}") do
    local token, ip = line:match("(%S+) (%S+)")
    local headers = {["Content-Type"]="application/json", ["X-Access-Token"]=token, ["X-Client-IP"]=ip}
    local whole = wrk.format("POST", "${path}", headers, '{"contact":"+8613000000000","country":"chinaPR"}')
    calls[#calls + 1] = {whole:match("^(.*)13000000000(.*)$")}
  end
end
request = function()
  local call = calls[n % #calls + 1]
  n = n + 1
  return call[1] .. (${from} + n % (#calls * ${sendsOfMember})) .. call[2]
end`
}

/** Each thread enters codes of its own, over and over if they do not last. */
export function verifyScript(folder: string, token: string, threads: number, codes: readonly Code[]): string {
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
        string.format('{"contact":"%s","country":"india","verificationCode":"%s"}', contact, code))
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

/** The id of a verification, and the right code for it. */
export type StartedCode = readonly [id: string, code: string]

/** Each code is entered once, as it is good for once; then they begin again, and are refused. */
export function checkScript(folder: string, apiKey: string, codes: readonly StartedCode[]): string {
  const file = join(folder, `started-${Math.random().toString(36).slice(2)}.txt`)
  writeFileSync(file, codes.map(([id, code]) => `${id} ${code}`).join('\n'))
  return `local calls, n = {}, 0
begin = function()
  local headers = {["Content-Type"]="application/json", ["Authorization"]="Bearer ${apiKey}"}
  for line in io.lines("${file}") do
    local id, code = line:match("(%S+) (%S+)")
    calls[#calls + 1] = wrk.format("POST", "${startPath}/" .. id .. "/check", headers, '{"code":"' .. code .. '"}')
  end
end
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
