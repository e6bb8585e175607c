/** The outcome of parsing an address: the address, or why not. */

export type RefusalReason =
  | 'no-plus'
  | 'characters'
  | 'length'
  | 'not-valid'
  | 'not-mobile'
  | 'local-part'
  | 'domain'

export type Parsed<T> =
  | { readonly kind: 'parsed'; readonly address: T }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
