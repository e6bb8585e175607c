/** An engine's report for operators: version, size, replicas, and settings that could lose records. */

export type Replica = {
  readonly name: string
  /** In the engine's own words; null: this user may not see it. */
  readonly state: string | null
  /** Whether each commit waits for this replica. */
  readonly isAwaited: boolean
  /** Bytes of the log that it has not replayed yet. */
  readonly behindBytes: number
  readonly behindMs: number
}

export type StoreReport = {
  /** The engine with its version. */
  readonly product: string
  /** null: it has none. */
  readonly schema: number | null
  readonly bytes: number
  /** The approximate number by table; absent if they would have to be counted. */
  readonly rows?: Readonly<Record<string, number>>
  /** Absent if the engine has no replicas. */
  readonly replicas?: readonly Replica[]
  /** Sentences, each with its remedy, about settings that make answers less than durable or stop writing. */
  readonly problems: readonly string[]
}
