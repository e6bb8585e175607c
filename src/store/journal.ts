/** The contract for history: what happened to whom, in order, never changed, kept for a time. */

export type JournalKind = 'refusal' | 'contact-changed'

export type JournalEntry = {
  readonly at: number
  readonly kind: JournalKind
  readonly tenant: string
  readonly app: string
  readonly member: string
  /** The verification concerned; empty if none. */
  readonly verification: string
  /** Words for each kind; never a code, key, token or whole address. */
  readonly detail: Readonly<Record<string, string | number>>
}

export type Journal = {
  append(entry: Omit<JournalEntry, 'at'>): Promise<void>
  /** Oldest first. */
  read(query: {
    readonly sinceMs: number
    readonly most: number
    readonly kind?: JournalKind
  }): Promise<readonly JournalEntry[]>
}
