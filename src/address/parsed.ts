/** The outcome of parsing an address: the address, or why not. */

export type RefusalReason =
  /** A phone number without its leading `+`. */
  | 'no-plus'
  /** Something other than ASCII digits after the `+`. */
  | 'characters'
  /** More than an address of its kind can have. */
  | 'length'
  /** No number of any numbering plan, or of one that belongs to no country (satellite, global services). */
  | 'not-valid'
  /** A valid number of a type that gets no SMS. */
  | 'not-mobile'
  /** A mobile number that the operator's settings refuse. */
  | 'not-allowed'
  /** What stands before the `@`. */
  | 'local-part'
  /** What stands after the `@`. */
  | 'domain'

export type Parsed<T> =
  | { readonly kind: 'parsed'; readonly address: T }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
