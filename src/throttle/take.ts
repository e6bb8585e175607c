/** The pure decision "one more?": what an act takes from which ledgers, and when to come back. */

import { forgottenAt, givenBack, type Ledger, type LedgerForm, type Rule, taken, waitMs } from './ledger.ts'

/** Whose limit it is. Appears in metrics and refusals, so these names are public. */
export type Scope =
  | 'address'
  | 'address-total'
  | 'member-address'
  | 'member'
  | 'member-addresses'
  | 'network'
  | 'app'
  | 'app-day'
  | 'password'

/** One more from one ledger, under its rules. */
export type Take = {
  readonly scope: Scope
  /** The ledger's key: unlike for every different subject, act and scope. Holds no plain address. */
  readonly key: string
  readonly form: LedgerForm
  readonly rules: readonly Rule[]
  /** For `distinct` rules: a number standing for what is taken, see `tagOf`. */
  readonly tag?: number
  /** How far others who take from it may look back, whatever these rules say: takings are kept so long at least. */
  readonly keepMs?: number
  /** Its rules refuse, but nothing is taken. */
  readonly looksOnly?: true
  /**
   * Of a submission: taken only from who has a live verification; from others in its place out of this ledger,
   * which nobody looks at, so that either costs the same.
   */
  readonly decoyKey?: string
}

/** One taking that was made, by which it can be given back. `at`: engine time in ms, of the ledger's own engine. */
export type Taking = Pick<Take, 'key' | 'form'> & { readonly at: number }

/** A refusal: the limit with the longest wait, its kind, and milliseconds until one more is allowed. */
export type Throttled = {
  readonly kind: 'throttled'
  readonly scope: Scope
  readonly rule: Rule['kind']
  readonly retryAfterMs: number
  /** Every scope that refused; what follows from a refusal may hang on another than the longest. */
  readonly scopes: readonly Scope[]
}

/**
 * The ledgers after the taking, in the order of the takes, each with the time it may be dropped; undefined for one
 * that was only looked at.
 */
export type Taken = {
  readonly kind: 'taken'
  readonly ledgers: readonly ({ ledger: Ledger; forgottenAt: number } | undefined)[]
}

/**
 * Decides over all takes together: either each gets one more, or none does. Pure; an engine reads
 * the ledgers, calls this and writes the result within one atomic step.
 * @param ledgers  In the order of the takes; undefined where there is none yet.
 * @returns On refusal the longest wait of all refusing rules, so that one wait is enough.
 */
export function decideTakes(
  takes: readonly Take[],
  ledgers: readonly (Ledger | undefined)[],
  now: number,
): Taken | Throttled {
  let refusal: Throttled | undefined
  const scopes: Scope[] = []
  for (let i = 0; i < takes.length; i++) {
    const take = takes[i]!
    for (const rule of take.rules) {
      const retryAfterMs = waitMs(ledgers[i] ?? [], rule, now, take.tag ?? 0)
      if (retryAfterMs <= 0) continue
      scopes.push(take.scope)
      if (!refusal || retryAfterMs > refusal.retryAfterMs)
        refusal = { kind: 'throttled', scope: take.scope, rule: rule.kind, retryAfterMs, scopes }
    }
  }
  if (refusal) return refusal
  return {
    kind: 'taken',
    ledgers: takes.map((take, i) => {
      if (take.looksOnly) return undefined
      const ledger = taken(ledgers[i] ?? [], take.form, take.rules, now, take.tag ?? 0, take.keepMs)
      return { ledger, forgottenAt: forgottenAt(ledger, take.form, take.rules) }
    }),
  }
}

/** The takings of takes that were all made at one time. */
export function takingsOf(takes: readonly Take[], at: number): readonly Taking[] {
  return takes.filter((take) => !take.looksOnly).map(({ key, form }) => ({ key, form, at }))
}

/** The takes of a submission, now that it is known whether its member has a live verification. */
export function takesWith(takes: readonly Take[], hasLive: boolean): Take[] {
  return takes.map(({ decoyKey, ...take }) =>
    decoyKey === undefined || hasLive ? take : { ...take, key: decoyKey },
  )
}

/** Gives one taking back: it did not count after all. */
export function giveBack({ form, at }: Taking, ledger: Ledger): Ledger {
  return givenBack(ledger, form, at)
}

/** A number of 48 bits standing for a text in a `distinct` rule. */
export function tagOf(digest: Uint8Array): number {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).readUIntBE(0, 6)
}
