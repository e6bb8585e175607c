/** docs/api/errors.md: every problem of the native API, from the table by which the server answers. */

import { retryWords } from '../src/http/native/problem-pages.ts'
import { type ProblemKind, problems } from '../src/http/native/problems.ts'

const introduction = `<!-- Made by "npm run docs" from src/http/native/problems.ts; do not edit. -->

# Errors

Every error is \`application/problem+json\` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)):

\`\`\`json
{
  "type": "https://otp.example.com/v1/problems/rate-limited",
  "title": "A limit is reached",
  "status": 429,
  "detail": "…",
  "instance": "0b9f…",
  "retry_after_s": 42,
  "limit": "app"
}
\`\`\`

- \`type\` is what programs compare: its last part never changes its meaning. It is also a page of your own server.
- \`instance\` is the id of the request, as in the header \`X-Request-Id\` and in the server's log.
- \`detail\` is for people, and may change. No problem holds a code, a key or a whole address.
- \`Retry-After\` is never too early: a call after it is not refused for the same reason, unless others used up what was
  free in the meantime.
- A wrong code is no error: the check worked, and answers 200 with \`"result": "refused"\`.
- Clients ignore members that they do not know.`

export function apiErrorsPage(): string {
  const kinds = Object.entries(problems) as [string, ProblemKind][]
  const rows = kinds.map(
    ([type, { status, title, retry }]) =>
      `| [\`${type}\`](#${type}) | ${status} | ${title} | ${retryWords[retry]} |`,
  )
  const sections = kinds.map(([type, { status, meaning, remedy, members, wire }]) =>
    [
      `## ${type}`,
      `${status}. ${meaning}`,
      remedy,
      ...(Object.keys(members).length > 0
        ? [
            `Members: ${Object.keys(members)
              .map((name) => `\`${name}\``)
              .join(', ')}.`,
          ]
        : []),
      ...(wire.length > 0
        ? [`On the Huawei Cloud Meeting wire: ${wire.map((code) => `\`${code}\``).join(', ')}.`]
        : []),
    ].join('\n\n'),
  )
  return `${[
    introduction,
    ['| type | status | title | repeat it? |', '|---|---|---|---|', ...rows].join('\n'),
    ...sections,
  ].join('\n\n')}\n`
}
