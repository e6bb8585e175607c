/** docs/promises.md: what the server promises, statement by statement, with the tests that hold it. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** Ids name tests: a test of a statement begins with its id and a colon. */
const statements: Readonly<Record<string, string>> = {
  'N-1':
    'Codes come from a cryptographic source, have at least six decimal digits, leading zeros included, and are uniform.',
  'N-2':
    'No code is accepted later than ten minutes after it was issued, whatever the settings. The default is one minute.',
  'N-3':
    'A code is used once: by a change, or by verifying a present contact. Of many simultaneous right submissions exactly one wins. Verifying a new contact does not use the code: it is for the change, and within the limits it may be verified several times before.',
  'N-4': '200 simultaneous guesses spend exactly five submissions; the sixth fails even with the right code.',
  'N-5': '“Five a minute” is a sliding minute: no interval of 60 s holds more than five comparisons.',
  'N-6':
    'After a change, the old contact and every other contact of the member get a notice. It never goes only by the channel that carried the code.',
  'N-7': 'A code serves one tenant, app, member, address and purpose. If any one differs it is refused.',
  'A-1':
    'Wrong, expired, unknown and used codes are answered with one status and body, in one time. The same holds for known and unknown addresses when a code is asked for.',
  'A-2': 'Codes, signatures and tokens are compared in constant time.',
  'A-3':
    'No key, token, code or address is in a URL, log, metric, error or database text, except in the columns made for it.',
  'A-4': '`X-Forwarded-For` is believed only from configured proxies.',
  'A-5': 'The order of a change cannot be skipped, and a change is one transaction.',
  'A-6':
    'While the store is down, slow or hung, calls are refused with 500 and `Retry-After` within a second. Nothing is accepted, and nothing is sent without limits.',
  'A-7':
    'What is kept about people goes when its retention is over, and that of a deleted member within a minute, from every table, key and byte of a file of the store. [personal-data.md](personal-data.md) says of each column how.',
  'A-8':
    'Bodies over 16 KiB, headers over 16 KiB, senders slower than 10 s and idle connections do not stop others.',
  'A-9':
    'Strangers lock nobody out. Whatever others do with an address, account or network, these work: the right code, the right password from a network that the account used before, and sends by the holder of an address. Messages to an address stay under their cap.',
  'A-10':
    'A request, call-back, receipt or answer of a carrier delays others by less than 50 ms, even at the largest size and with any content.',
  'A-11':
    'A signed text has one meaning: no two accepted App ID logins that differ in appId, corpId, userId, expireTime or nonce have the same text.',
  'A-12':
    'Costly work, such as comparing passwords and looking names up, is bounded and has its own line: a flood of it delays no send by more than a second.',
  'A-13':
    'Whatever apps of other policies do, and in whatever order, no app is admitted more than its own limits allow.',
  'A-14': 'A proof belongs to the login that made it. A refresh token that comes twice ends its login.',
  'T-1':
    'A send that was answered with 200 is not lost while its code lives: the message reaches the provider at least once or ends in a recorded failure.',
  'T-2':
    'Duplicates of a message carry the same code and the same message id. After a kill each message that was being handed over may go out twice; to a carrier of `afterCrash: unknown` none does.',
  'T-3': 'A code succeeds once across processes and crashes.',
  'T-4':
    'While an engine is stopped, killed, hung, full, slow or half out of reach, calls are refused within a second. Nothing that was accepted is lost or done twice, and all calls work again within five seconds of its return.',
  'T-5':
    'When a provider fails, is slow or answers nonsense, the next one has the message within three seconds, while 20 seconds of the code’s life are left. After a permanent refusal the message is not tried again.',
  'T-6': 'Duplicate, late, early, reordered and unknown receipts never move a record backwards.',
  'T-7': 'At a SIGTERM under load readiness turns false first, and nothing that was accepted is dropped.',
  'T-8': 'A wall clock that jumps does not lengthen a code’s life or allow it twice.',
}

const introduction = `<!-- Made by "npm run docs" from the names of the tests; do not edit. -->

# What it promises

Each statement has an id, and the names of the tests that check it begin with that id. N follows NIST SP 800-63B-4, A follows
the OWASP Application Security Verification Standard 5.0, and T is about faults. \`npm test\` and \`npm run test:long\` run
these tests. Some tests check only a part of a statement; their names say which.

| id | statement | tests |
|---|---|---|`

export function promisesPage(): string {
  const found = testsByStatement()
  const rows = Object.entries(statements).map(([id, statement]) => {
    const tests = [...(found.get(id) ?? [])].map(([file, names]) => {
      const link = `[${file}](../${file})`
      return `${link}: ${names.join('; ')}`
    })
    return `| ${id} | ${statement} | ${tests.length > 0 ? tests.join('<br>') : 'none by name yet'} |`
  })
  return `${[introduction, ...rows].join('\n')}\n`
}

function testsByStatement(): Map<string, Map<string, string[]>> {
  const found = new Map<string, Map<string, string[]>>()
  for (const folder of ['test', 'src'])
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).sort()) {
      // The conformance suite is run by a test of each engine.
      if (!name.endsWith('.test.ts') && !name.startsWith('store/conformance/')) continue
      const file = `${folder}/${name}`
      for (const [, , ids = '', claim = ''] of readFileSync(join(root, file), 'utf8').matchAll(
        /\b(?:test|describe)\(\s*(['"`])([NAT]-\d+(?:, [NAT]-\d+)*): (.+?)\1/g,
      ))
        for (const id of ids.split(', ')) {
          const files = found.get(id) ?? new Map<string, string[]>()
          files.set(file, [...(files.get(file) ?? []), inTable(claim)])
          found.set(id, files)
        }
    }
  return found
}

/** What a template's places will hold is not known here. */
function inTable(claim: string): string {
  return claim.replace(/\$\{.*?\}/g, '…').replaceAll('|', '\\|')
}
