/** `countersign verification show` and `find`: the history of a code, to find out why it did not arrive. */

import { parseDuration } from '../config/duration.ts'
import { AppError } from '../errors.ts'
import {
  type FoundRefusal,
  findVerifications,
  type Step,
  type Timeline,
  verificationTimeline,
} from '../flows/verification-timeline.ts'
import { plain } from './plain.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, withStore } from './with-store.ts'

export async function showVerification(
  id: string,
  options: CommonOptions,
  terminal: Terminal,
): Promise<void> {
  await withStore(options, terminal, async ({ store }) => {
    const timeline = await verificationTimeline(store, id)
    if (!timeline)
      throw new AppError(
        'input.invalid',
        `there is no verification ${id}, or it is past its retention; "countersign verification find ADDRESS" shows those of an address`,
      )
    if (options.json) return terminal.out(JSON.stringify(timeline))
    for (const line of linesOf(timeline)) terminal.out(line)
  })
}

type FindOptions = CommonOptions & { readonly since: string }

export async function findByAddress(
  address: string,
  options: FindOptions,
  terminal: Terminal,
): Promise<void> {
  const sinceMs = parseDuration(options.since)
  if (sinceMs === undefined)
    throw new AppError('input.invalid', `--since: ${options.since} is no time, such as 1h or 7d`)
  await withStore(options, terminal, async ({ store, ring, settings }) => {
    const { addressRules } = settings
    const told = await findVerifications({ store, ring, addressRules }, address, sinceMs)
    if (!told)
      throw new AppError('input.invalid', 'that is no mobile number (with its plus) or e-mail address')
    for (const one of told.found)
      terminal.out(
        options.json
          ? JSON.stringify(one)
          : `${one.id}  ${new Date(one.issuedAt).toISOString()}  ${one.state.padEnd(7)}  app ${one.app}`,
      )
    for (const one of told.refusals) terminal.out(options.json ? JSON.stringify(one) : lineOfRefusal(one))
    if (told.found.length + told.refusals.length === 0 && !options.json)
      terminal.out(`none in the last ${options.since}`)
  })
}

/** e.g. `refused  2026-11-25T10:00:00.123Z  send    throttled by member-address (window)  member M  app A`. */
function lineOfRefusal({ at, act, reason, scope, rule, member, app, verification }: FoundRefusal): string {
  const by = scope === undefined ? '' : ` by ${scope} (${rule})`
  const of = verification === '' ? '' : `  of ${verification}`
  return `refused  ${new Date(at).toISOString()}  ${act.padEnd(6)}  ${reason}${by}  member ${member}  app ${app}${of}`
}

function linesOf(timeline: Timeline): string[] {
  const { id, tenant, app, member, address, purpose, state, submissions, issuedAt, isTest } = timeline
  return [
    `verification  ${id}`,
    `for           ${address}, ${purpose}`,
    `asked by      member ${member}, app ${app}, tenant ${tenant}`,
    `state         ${state}, ${submissions} submission(s)${isTest ? ', a test address: nothing is sent' : ''}`,
    '',
    ...timeline.steps.map((step) => lineOf(step, issuedAt)),
  ]
}

/** e.g. `2026-11-25T10:00:00.123Z  +0.350 s  answered     twilio: accepted`. */
function lineOf(step: Step, issuedAt: number): string {
  const { at, event, provider, channel, outcome, providerCode, mayBeCopy } = step
  const after = `+${((at - issuedAt) / 1000).toFixed(3)} s`
  const words = [
    [channel, provider].filter(Boolean).join(' to '),
    outcome,
    providerCode && `(${plain(providerCode)})`,
    mayBeCopy && '(may be a copy: the dispatch before may have been taken)',
  ].filter(Boolean)
  return `${new Date(at).toISOString()}  ${after.padStart(10)}  ${event.padEnd(11)}  ${words.join(' ')}`.trimEnd()
}
