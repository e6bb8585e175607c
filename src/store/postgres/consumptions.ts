/** What was consumed, in PostgreSQL. */

import type { Consumption, Consumptions } from '../consumptions.ts'
import { bind, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

/** Waits for another transaction that is consuming the same thing, so the statement after it sees that one's row. */
const insert = sql(`
  insert into consumption (thing, consumer, expires_at) values ($1, $2, $3::bigint) on conflict do nothing`)
const select = sql('select to_json(consumer) from consumption where thing = $1')

/** @param untilOf  The end of a call that begins now, by `performance.now()`. */
export function postgresConsumptions(transactions: Transactions, untilOf: () => number): Consumptions {
  return {
    async consume({ thing, by, expiresAt }: Consumption) {
      const [, found] = await transactions.write(
        untilOf(),
        bind(insert, thing, by, expiresAt),
        bind(select, thing),
      )
      return found![0] === by
    },
    async consumer(thing: string) {
      return (await transactions.read(untilOf(), bind(select, thing)))[0]![0] as string | undefined
    },
  }
}
