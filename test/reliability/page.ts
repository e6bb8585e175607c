/** docs/reliability.md: what is promised under faults, and what each scenario came to. */

import type { Report } from './run.ts'

/** A-6 and T-4. */
export const promised = { refusalMs: 1_000, backMs: 5_000 } as const

export type Row = { readonly engine: string; readonly fault: string; readonly report: Report }

export function reliabilityPage(rows: readonly Row[], day: string): string {
  return `# What faults of the engine did

Written by \`npm run test:reliability\` on ${day}, on one machine with two cores. Each row is a run of the built server,
two processes of it where the engine serves several, with people on it: some ask for codes, store contacts and prove
them; some ask too often, guess, enter one code many times at once, enter it too late, or name somebody else as
themselves. The carrier fails to take every ninth message at first. Then the fault comes, and goes. Each call is kept with its start, its
end and its answer, each message with its id and code. When all is over, the history is asked:

- Is each accepted send at the carrier, within its code's life, or recorded as failed? Are copies the same message?
- Was each code used once at most, by the member it was sent for, within its life?
- Were there more than five comparisons in any 60 s, for an address or for a member and an address?
- Were there more codes to an address than its limits allow?
- Did any member's contact change by other than its own change?
- Was any call answered with something that is not documented for it, or by nobody though its process lived?

A shorter run of each row is part of \`npm test\`. Each question is shown, also by \`npm test\`, to find a fault planted
in the server: counts without a lock, a use without a condition, a limiter that fails open, no outbox, a member whom
the caller names, copies with other ids.

## What is promised while an engine is away

- A call that needs it is refused with 500, \`USG.000000001\` and \`Retry-After\`, within a second.
- A call that was refused so is, nearly always, not done. It may have been: where the engine had begun to commit and
  its answer did not arrive. Then it was done once, as if it had been accepted: a message may come, it counts for the limits, a
  code may be used up. No call is done after it was refused, but for a commit that the engine had begun before it hung.
- A call that gets no answer, because its process was killed, is the same: done once or not at all. Made again with the
  same \`X-Request-Id\`, a check or a change that was done is answered with its success.
- Nothing is decided without the engine: no limit is lifted, no code is accepted.
- It is well within five seconds of the engine's return, without a restart.

## What came of it

*accepted*: answered with 200. *by rule*: a wrong code, a limit. *500*: refused because the engine was away. *no
answer*: of a killed process. *untold*: messages of sends that were not answered with 200 and had been done. *copies*: a message that came
again. *failed*: recorded as not sent. *refused within*: the slowest answer of 500. *refusing for*: from the fault's begin to the last answer of 500. *back after*: from the end of the
fault until each process had accepted a send.

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
  return `broken, as told above: ${broken.map(([name, found]) => `${name} (${found.length})`).join('; ')}`
}
