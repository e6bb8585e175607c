/**
 * The field for a one-time code, as a custom element: `import '@countersign/client/element'` defines <countersign-code>.
 * A program without a page may import it too; then nothing is defined.
 */

/** What the field shows of a verification: an answer of the API is one. Members that are absent stay as they were. */
export interface ShownVerification {
  /** Default: `live`. */
  state?: string
  to_masked?: string | null
  channel?: string
  /** The channel of the last message, if it is not that of the first. */
  sent_by?: string
  /** 6 to 10. */
  code_length?: number
  alphabet?: 'digits' | 'crockford'
  /** Instead of `expires_at`, where the clock of the browser may be wrong. */
  expires_in_s?: number
  expires_at?: string
  next?: { send_after_s?: number; channels?: readonly string[] }
  challenge?: { kinds: readonly { kind: string }[] }
}

export interface CheckAnswer {
  result?: 'verified' | 'refused'
  /** Anything but `wrong` ends the code. */
  reason?: string
  submissions_left?: number
  verification?: ShownVerification
}

/** Calls of your own, in place of those below `src`. They throw a problem: `{ status, retry_after_s? }`. */
export interface CodeTransport {
  check(code: string): Promise<CheckAnswer>
  /** Sends again: by the same channel, or by the next one. */
  send?(wish: { next?: true }): Promise<ShownVerification>
  /** Hands in the solution of a proof of work, as `verifications.challenge` takes it. */
  solve?(solution: { solution: string }): Promise<ShownVerification>
  /** Starts another verification after the end of this one. */
  restart?(): Promise<ShownVerification>
}

export class CountersignCode extends HTMLElement {
  transport: CodeTransport | undefined
  /** Texts in place of the English ones, by their names in the file. */
  texts: Record<string, string>
  get verification(): ShownVerification
  set verification(view: ShownVerification)
  /** The code as it was typed so far. */
  value: string
  submit(): Promise<void>
  /** The code was right, as the page found out itself. */
  accept(answer?: CheckAnswer): void
  /** The code was not right, as the page found out itself. */
  refuse(answer?: CheckAnswer): void
}

declare global {
  interface HTMLElementTagNameMap {
    'countersign-code': CountersignCode
  }
  interface HTMLElementEventMap {
    /** A code was entered, and there is no call to check it. */
    'countersign-submit': CustomEvent<{ code: string }>
    'countersign-verified': CustomEvent<CheckAnswer | undefined>
    'countersign-refused': CustomEvent<CheckAnswer>
    'countersign-sent': CustomEvent<ShownVerification>
    'countersign-expired': CustomEvent<undefined>
    /** A new code is wanted, and there is no call that starts one. */
    'countersign-restart': CustomEvent<undefined>
    'countersign-error': CustomEvent<unknown>
  }
}
