/** The contract for what works once, such as a proof token: of any number of consumers, ever, one consumes it. */

export type Consumption = {
  /** The name of the thing, with its kind in front: `proof ID`. */
  readonly thing: string
  /** Who consumes it, so that a call that is made again after a lost answer succeeds again. */
  readonly by: string
  /** Until then it is remembered. The thing itself must be worth nothing by then. */
  readonly expiresAt: number
}

export type Consumptions = {
  /** @returns Whether `by` has consumed it: now, or in an earlier call. */
  consume(consumption: Consumption): Promise<boolean>
  /** @returns Who consumed it, if it is still remembered. */
  consumer(thing: string): Promise<string | undefined>
}
