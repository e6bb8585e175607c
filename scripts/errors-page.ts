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

The message is in Chinese unless \`Accept-Language\` asks for English. \`request_id\` is the value of the header \`X-Request-Id\`,
and is in the log too. A name in braces stands for a detail. If a message has \`{seconds}\`, the header \`Retry-After\` has the
same number. No message holds a code, a token or an address.`

const notes = `- \`USG.000000001\` means that nothing was accepted, because the store was away or too many calls were under way.
  \`Retry-After\` is 1.
- \`USG.206010007\` is 412 at a login, as the reference has it.
- \`USG.206030001\` is the one answer to a wrong, an expired, a used and an unknown code.
- A request that is not valid HTTP, has headers over 16 KiB or takes longer than 10 seconds to arrive is also answered with
  \`USG.000000003\`, in English, and the connection ends.`

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
    '## Inside\n\nThe commands print these errors as sentences and end with an exit code, see [operations](operations.md#exit-codes). On the\nwire `store.unavailable` is `USG.000000001`. Any other is `USG.000000002`, and the log has the reason.',
    ['| code | meaning |', '|---|---|', ...own].join('\n'),
  ].join('\n\n')}\n`
}
