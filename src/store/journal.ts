/** The contract for the journal: refusals and changes in order, never altered, kept for the retention. */

export type JournalKind = 'refusal' | 'contact-changed' | 'recovery-started' | 'recovery-stopped'

export type JournalEntry = {
  readonly at: number
  readonly kind: JournalKind
  readonly tenant: string
  readonly app: string
  readonly member: string
  /** The verification that it is about; empty if there is none. */
  readonly verification: string
  /** Words for each kind; never a code, key, token or whole address. */
  readonly detail: Readonly<Record<string, string | number>>
  /** The tag of the address that it is about, see `addressTag`; absent if there is none. */
  readonly addressTag?: string
}

export type Journal = {
  append(entry: Omit<JournalEntry, 'at'>): Promise<void>
  /** Oldest first. */
  read(query: {
    readonly sinceMs: number
    readonly most: number
    readonly kind?: JournalKind
  }): Promise<readonly JournalEntry[]>
  /** Those of an address, newest first. @param query.tags  By each key that it may have been written under. */
  ofAddress(query: {
    readonly tags: readonly string[]
    readonly sinceMs: number
    readonly most: number
  }): Promise<readonly JournalEntry[]>
}
