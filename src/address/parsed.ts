/** The outcome of parsing an address: the address, or why not. */

export type RefusalReason =
  /** A phone number without its leading `+`. */
  | 'no-plus'
  /** Something other than ASCII digits after the `+`. */
  | 'characters'
  /** Longer than an address of its kind can be. */
  | 'length'
  /** No number of any numbering plan, or of one that belongs to no country (satellite, global services). */
  | 'not-valid'
  /** A valid number of a type that gets no SMS. */
  | 'not-mobile'
  /** A mobile number that the operator's settings refuse. */
  | 'not-allowed'
  /** The part before the `@` is not valid. */
  | 'local-part'
  /** The part after the `@` is not valid. */
  | 'domain'

export type Parsed<T> =
  | { readonly kind: 'parsed'; readonly address: T }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
