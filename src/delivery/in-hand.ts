/** How many messages this process has in hand, and how many more it may claim. */

export type InHand = {
  readonly isFull: boolean
  /** So many that nobody joins a long line any more: a carrier that hangs must not keep messages of others out. */
  readonly isCrowded: boolean
  add(): void
  remove(): void
  /** It is with a carrier, or waits for one, until `backFromCarrier`. */
  goToCarrier(): void
  backFromCarrier(): void
  /** How many more to claim from the store. */
  claimable(): number
  /** Whether so few are left that a claim is worth its while. */
  isLow(): boolean
  /** Resolves when nothing is in hand, after `timeoutMs` at the latest. */
  whenEmpty(timeoutMs: number): Promise<void>
}

/** Beyond it messages wait in the store, for this process or another. */
const maxInHand = 4_000
const crowd = 2_000
/**
 * Claimed ahead, without those that are with a carrier or wait for one, which may hang. Each claim counts as a try, so
 * a process that dies often must not claim what it cannot send soon.
 */
const maxClaimed = 64

export function createInHand(): InHand {
  let count = 0
  let withCarriers = 0
  let onEmpty: (() => void) | undefined

  return {
    get isFull() {
      return count >= maxInHand
    },
    get isCrowded() {
      return count > crowd
    },
    add() {
      count++
    },
    remove() {
      count--
      if (count === 0) onEmpty?.()
    },
    goToCarrier() {
      withCarriers++
    },
    backFromCarrier() {
      withCarriers--
    },
    claimable: () => Math.min(maxClaimed - (count - withCarriers), maxInHand - count),
    isLow: () => count < maxInHand && count - withCarriers < maxClaimed / 2,
    async whenEmpty(timeoutMs) {
      if (count === 0) return
      await new Promise<void>((resolve) => {
        onEmpty = resolve
        setTimeout(resolve, timeoutMs).unref()
      })
    },
  }
}
