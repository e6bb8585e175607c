/** A request to a carrier, as it goes out. */

export type Outgoing = {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Scheme, host and port. */
  readonly origin: string
  /** With the query. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Empty: none. */
  readonly body: string
}
