/** docs/errors.md: every error a caller or an operator can meet, from the two tables in the code. */

import { appErrors } from '../src/errors.ts'
import { type Standing, wireErrors } from '../src/http/huawei/errors.ts'

const standings: Readonly<Record<Standing, string>> = {
  documented: 'number and meaning are in the public API reference',
  meaning: 'the meaning is in the reference, the number is inferred',
  number: 'the number is inferred',
  ours: 'the reference is silent; this number is our own',
}

const introduction = `<!-- Made by "npm run docs" from src/errors.ts and src/http/huawei/errors.ts; do not edit. -->

# Errors

## On the wire

Every answer other than success has this body, all three strings always there:

\`\`\`json
{"error_code":"USG.206030001","error_msg":"The verification code is wrong or has expired. Get a new one.","request_id":"…"}
\`\`\`

The message is in Chinese unless \`Accept-Language\` asks for English. \`request_id\` is that of the header \`X-Request-Id\`; the
log names it too. Where a message tells \`{seconds}\`, the header \`Retry-After\` tells the same number. A name in braces stands
for a detail; no message holds a code, a token or an address.`

const notes = `- \`USG.000000001\` means that nothing was accepted: the store was away, or too much was under way. \`Retry-After\` is 1.
- \`USG.206010007\` is 412 at a login, as the reference has it.
- \`USG.206030001\` is the one answer to a wrong, an expired, a used and an unknown code.
- What is not valid HTTP, has headers over 16 KiB or is not here whole within 10 seconds gets a \`USG.000000003\` too, in
  English, and the connection ends.`

export function errorsPage(): string {
  const wire = Object.entries(wireErrors).map(
    ([code, { status, zh, en, standing }]) => `| \`${code}\` | ${status} | ${zh} | ${en} | ${standing} |`,
  )
  const standing = Object.entries(standings).map(([name, meaning]) => `- ${name}: ${meaning}.`)
  const own = Object.entries(appErrors).map(([code, { meaning }]) => `| \`${code}\` | ${meaning} |`)
  return `${[
    introduction,
    ['| code | HTTP | Chinese | English | standing |', '|---|---|---|---|---|', ...wire].join('\n'),
    ['How sure a number is:', '', ...standing].join('\n'),
    notes,
    '## Inside\n\nThe commands print these as a sentence and end with an exit code, see [operations](operations.md#exit-codes). On the wire\n`store.unavailable` is `USG.000000001`; any other would be `USG.000000002`, and the log tells more.',
    ['| code | meaning |', '|---|---|', ...own].join('\n'),
  ].join('\n\n')}\n`
}
