/** Parses e-mail addresses; see the rules in docs. */

export type EmailAddress = {
  readonly kind: 'email'
  /** For sending: local part as typed, domain as lower-case A-labels. */
  readonly mailbox: string
  /** The address's identity: `mailbox` with the local part folded to lower case. */
  readonly canonical: string
}
