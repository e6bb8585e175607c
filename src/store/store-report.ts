/** What an engine tells an operator of itself: what it is, how much it holds, who follows it, and what could lose something. */

export type Replica = {
  readonly name: string
  /** In the engine's own words; null: not for this user to see. */
  readonly state: string | null
  /** A commit waits for it. */
  readonly isAwaited: boolean
  /** What it has not replayed yet. */
  readonly behindBytes: number
  readonly behindMs: number
}

export type StoreReport = {
  /** The engine with its version. */
  readonly product: string
  /** null: it has none. */
  readonly schema: number | null
  readonly bytes: number
  /** About how many, by table; absent where they would have to be counted. */
  readonly rows?: Readonly<Record<string, number>>
  /** Absent where there can be none. */
  readonly replicas?: readonly Replica[]
  /** Sentences with the remedy, of what makes answers less than durable or stops writing. */
  readonly problems: readonly string[]
}
