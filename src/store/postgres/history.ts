/** The history of a faster store's records, in PostgreSQL. */

import { addressKey } from '../../address/address.ts'
import { receiptStates } from '../../message/receipt-state.ts'
import type { Verification } from '../../verification/verification.ts'
import type { EndedVerification, History, KeptDispatch } from '../history.ts'
import { isOpen, stateNumber } from '../numbering.ts'
import { storedDispatchOf } from '../stored-dispatch.ts'
import { verbs } from '../verbs/verbs.ts'
import { heldDispatches } from './dispatches.ts'
import { publishEvents } from './events.ts'
import { byText } from './order.ts'
import { rowInState, type VerificationRow } from './rows.ts'
import { type Bound, bind, bindRows, engineTime, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'
import { runAlone } from './unit-of-work.ts'
import { rowType } from './verification-rows.ts'

const columns = `id, tenant, app, member, address, purpose, key_id, digits, state, issued_at, expires_at,
  submissions, is_test, used_at, details`

/** A used verification stays used, even if an older state of it arrives later. */
const keepEnded = sql(`
  insert into verification (${columns})
  select ${columns} from json_to_recordset($1::json) as r ${rowType}
  on conflict (id) do update set state = excluded.state, submissions = excluded.submissions,
    used_at = coalesce(verification.used_at, excluded.used_at)
  where verification.state <> ${stateNumber.used}`)

/** Adds it as spent and not as live: a caller who has counted a submission can use it, and it is in no index of live ones. */
const adoptOne = sql(`
  insert into verification (${columns})
  select id, tenant, app, member, address, purpose, key_id, digits, ${stateNumber.spent}, ${engineTime} - age,
    ${engineTime} + remaining, submissions, is_test, used_at, details
  from json_to_recordset($1::json) as r (id text, tenant text, app text, member text, address text, purpose text,
    key_id text, digits integer, submissions integer, is_test boolean, used_at bigint, details json, age bigint, remaining bigint)
  on conflict (id) do nothing`)

const markLate = sql(`
  update dispatch d set is_late = true
  from json_to_recordset($1::json) as r (about text, message text, nth integer)
  where d.about = r.about and d.message = r.message and d.nth = r.nth`)

const selectKept = sql(`
  select json_build_object('verification', d.about, 'messageId', d.message, 'nth', d.nth,
    'queuedAt', d.queued_at, 'next', d.next, 'outcome', d.outcome, 'rank', d.receipt_state)
  from json_to_recordset($1::json) as r (about text, message text, nth integer)
  join dispatch d on d.about = r.about and d.message = r.message and d.nth = r.nth`)

const selectOfPeople = sql(`
  select to_json(v.id) from json_array_elements_text($1::json) as wanted (id)
  join verification v on v.id = wanted.id
  where v.tenant = $2 and (v.member in (select json_array_elements_text($3::json))
    or v.address in (select json_array_elements_text($4::json)))`)

export function postgresHistory(
  transactions: Transactions,
  call: <T>(verb: string, act: (until: number) => Promise<T>, until: number) => Promise<T>,
): History {
  return {
    async keep(until, ended) {
      if (ended.length === 0) return
      const rows = ended.map(rowOf).toSorted((a, b) => byText(a.id, b.id))
      await call('history.keep', (end) => transactions.write(end, bindRows(keepEnded, rows)), until)
    },
    changeContact(until, change, verification, remainingMs, { isProven, endLive }) {
      const { provedBy } = change
      return call(
        'directory.changeContact',
        (end) =>
          runAlone(transactions, end, verbs['directory.changeContact'], [change], {
            first: adopted(verification, remainingMs),
            known: isProven && provedBy !== null ? [{ member: change.member, login: provedBy }] : [],
            beforeCommit: async ({ kind }) => {
              if (kind === 'changed') await endLive()
            },
          }),
        until,
      )
    },
    undoContact: (until, undo, verification, remainingMs, { endLive }) =>
      call(
        'directory.undoContact',
        (end) =>
          runAlone(transactions, end, verbs['directory.undoContact'], [undo], {
            first: adopted(verification, remainingMs),
            beforeCommit: async ({ kind }) => {
              if (kind === 'changed') await endLive()
            },
          }),
        until,
      ),
    stopRecovery: (until, stop, verification, remainingMs) =>
      call(
        'directory.stopRecovery',
        (end) =>
          runAlone(transactions, end, verbs['directory.stopRecovery'], [stop], {
            first: adopted(verification, remainingMs),
          }),
        until,
      ),
    applyRecovery: (until, apply, { endLive }) =>
      call(
        'directory.applyRecovery',
        (end) =>
          runAlone(transactions, end, verbs['directory.applyRecovery'], [apply], {
            beforeCommit: async ({ kind }) => {
              if (kind === 'changed') await endLive()
            },
          }),
        until,
      ),
    setContact: (until, setting, { endLive }) =>
      call(
        'directory.setContact',
        (end) =>
          runAlone(transactions, end, verbs['directory.setContact'], [setting], {
            beforeCommit: async ({ kind }) => {
              if (kind === 'changed') await endLive()
            },
          }),
        until,
      ),
    updateMember: (until, update, { endLive }) =>
      call(
        'directory.updateMember',
        (end) =>
          runAlone(transactions, end, verbs['directory.updateMember'], [update], {
            beforeCommit: async ({ kind }) => {
              if (kind === 'changed' && update.contacts.length > 0) await endLive()
            },
          }),
        until,
      ),
    deleteMembers: (until, batch, { endLive }) =>
      call(
        'directory.deleteMembers',
        (end) =>
          runAlone(transactions, end, verbs['directory.deleteMembers'], [batch], {
            beforeCommit: async ({ kind }) => {
              if (kind === 'done') await endLive()
            },
          }),
        until,
      ),
    async publish(until, events) {
      if (events.length > 0)
        await call('history.publish', (end) => transactions.write(end, ...publishEvents(events)), until)
    },
    async record(until, settlements, late) {
      const dispatches = heldDispatches([])
      for (const one of settlements)
        dispatches.add({ ...storedDispatchOf(one), isLate: late?.has(one) ?? false })
      const [rows] = await call(
        'history.record',
        (end) => transactions.write(end, ...dispatches.writes()),
        until,
      )
      const isNew = new Set((rows as { message: string; nth: number }[]).map(keyOf))
      return settlements.filter((one) => isNew.has(keyOf({ message: one.dispatch.messageId, nth: one.nth })))
    },
    async markLate(until, settlements) {
      const rows = settlements.map(({ verification, dispatch, nth }) => ({
        about: verification,
        message: dispatch.messageId,
        nth,
      }))
      await call('history.markLate', (end) => transactions.write(end, bindRows(markLate, rows)), until)
    },
    receive: (until, receipts) =>
      call(
        'dispatches.receive',
        (end) => runAlone(transactions, end, verbs['dispatches.receive'], [receipts]),
        until,
      ),
    async ofPeople(until, ids, { tenant, ...people }) {
      const [subjects, addresses] = [people.subjects, people.addresses.map(addressKey)]
      const lists = [subjects, addresses].map((one) => JSON.stringify(one)) as [string, string]
      const statement = bind(selectOfPeople, JSON.stringify(ids), tenant, ...lists)
      const [found] = await call('history.ofPeople', (end) => transactions.read(end, statement), until)
      return found as readonly string[]
    },
    async lookUp(until, dispatches) {
      const rows = dispatches.map(({ verification, messageId, nth }) => ({
        about: verification,
        message: messageId,
        nth,
      }))
      const [kept] = await call(
        'history.lookUp',
        (end) => transactions.read(end, bindRows(selectKept, rows)),
        until,
      )
      return (kept as (Omit<KeptDispatch, 'state'> & { rank: number | null })[]).map(({ rank, ...rest }) => ({
        ...rest,
        state: rank === null ? null : receiptStates[rank]!,
      }))
    },
  }
}

/** Copies a verification that the faster store has used up, usable for the rest of its life. */
function adopted(verification: Verification, remainingMs: number): Bound {
  const age = Math.max(0, verification.expiresAt - remainingMs - verification.issuedAt)
  const row = { ...rowOf({ ...verification, state: stateNumber.spent }), age, remaining: remainingMs }
  return bindRows(adoptOne, [row])
}

const keyOf = ({ message, nth }: { message: string; nth: number }) => `${message} ${nth}`

/** One that is live or held in the faster store is kept as expired: its time is over, and the index here is of live ones. */
function rowOf(one: EndedVerification): VerificationRow {
  return rowInState(one, isOpen(one.state) ? stateNumber.expired : one.state)
}
