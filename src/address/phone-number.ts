/** Parses phone numbers to E.164; see security.md rules in docs. */

export type PhoneNumber = {
  readonly kind: 'phone'
  /** E.164 with its plus, e.g. `+8613800138000`: the number's identity. */
  readonly e164: string
  /** ISO 3166-1 alpha-2 region, e.g. `CN`. */
  readonly region: string
}
