/** docs/reliability.md: the promises under faults, and the result of each scenario. */

import type { Report } from './run.ts'

/** A-6 and T-4. */
export const promised = { refusalMs: 1_000, backMs: 5_000 } as const

export type Row = { readonly engine: string; readonly fault: string; readonly report: Report }

export function reliabilityPage(rows: readonly Row[], day: string): string {
  return `# What faults of the engine did

Written by \`npm run test:reliability\` on ${day}, on a machine with two cores that had other work too. Each row is a run
of the built server, two processes of it where the engine serves several. People use it: some ask for codes, store
contacts and prove them; some ask too often, guess, enter one code many times at once or too late, or name somebody
else as themselves. The carrier does not take every ninth message at first. Then the fault comes, and goes. Each call
is kept with its start, its end and its answer, each message with its id and code. When all is over, the history is
asked:

- Is each accepted send at the carrier, within its code's life, or recorded as failed? Are copies the same message?
- Was each code used once at most, by the member it was sent for, within its life?
- Were there more than five comparisons in any 60 s, for an address or for a member and an address?
- Were there more codes to an address than its limits allow?
- Did any member's contact change by other than its own change?
- Was any call answered with something that is not documented for it, or not at all though its process lived?

A call counted at some moment between its start and its end; a limit is said to be broken only if it is so for every
choice of moments. \`npm run test:long\` runs some of the rows, shorter, and shows that each question finds a fault that is
planted in the server: counts without a lock, a use without a condition, a limiter that fails open, no outbox, a member
whom the caller names, copies with other ids, a clock that can be set, patience with the store.

## What is promised while an engine is away

- A call that needs it is refused with 500, \`USG.000000001\` and \`Retry-After\`, within a second.
- A call that was refused so may have been done, if the engine had begun to commit it and its answer did not arrive.
  Then it was done once, as if it had been accepted: its message comes, it counts for limits, its code is used up. No
  commit is begun for a call after its caller was refused.
- A call without an answer, because its process was killed, was done once or not at all too. Made again with the same
  \`X-Request-Id\`, a check or a change that was done is answered with its success.
- Nothing is decided without the engine: no limit is lifted, no code is accepted.
- All is well within five seconds of the engine's return, without a restart.

What Redis may lose of what it had answered for is told in [redis.md](redis.md#what-a-failure-means).

## What came of it

| column | is |
|---|---|
| accepted | calls answered with 200 |
| by rule | calls refused for a wrong code or a limit |
| 500 | calls refused because the engine was away |
| no answer | calls of a process that was killed |
| untold | messages of sends that were done and not answered with 200 |
| copies | messages that came again |
| failed | messages recorded as not sent |
| refused within | the slowest answer of 500 |
| refusing for | from the fault's begin to the last answer of 500 |
| back after | from the fault's end until each process had accepted a send |

| engine | fault | accepted | by rule | 500 | no answer | untold | copies | failed | refused within | refusing for | back after | promises |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
${rows.map(lineOf).join('\n')}
`
}

function lineOf({ engine, fault, report }: Row): string {
  const ms = (value: number | null) =>
    value === null ? '' : Number.isFinite(value) ? `${Math.ceil(value)} ms` : 'never'
  const { accepted, refused, unavailable, lost, doneUntold, copies, failed } = report
  const cells = [engine, fault, accepted, refused, unavailable, lost, doneUntold, copies, failed]
  return `| ${[...cells, ms(report.slowestRefusalMs), ms(report.refusingMs), ms(report.backMs), outcomeOf(report)].join(' | ')} |`
}

function outcomeOf({ breaches }: Report): string {
  const broken = Object.entries(breaches)
  if (broken.length === 0) return 'all held'
  return `lost, as redis.md tells: ${broken.map(([name, found]) => `${name} (${found.length})`).join('; ')}`
}
