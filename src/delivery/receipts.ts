/** Takes receipts in: recorded at once, or parked while their dispatch is not known yet, and in the end told of. */

import type { Dispatches, ProviderReceipt, ReceiptResult } from '../store/dispatches.ts'
import type { ReceiptSink } from './provider.ts'

export type ReceiptsSettings = {
  readonly dispatches: Dispatches
  /** Told of every receipt: what it says, and what became of it. */
  readonly observe?: (receipt: ProviderReceipt, result: ReceiptResult | { readonly kind: 'stray' }) => void
  readonly onError?: (what: string, error: unknown) => void
  /** Milliseconds by a clock that nobody sets. Default: `performance.now()`. */
  readonly now?: () => number
}

export type Receipts = {
  /** The sink of one provider. */
  sinkOf(provider: string): ReceiptSink
  /** What is still parked then is lost: the carrier was answered, and its word is no proof of anything. */
  stop(): void
}

/** Receipts overtake the answer they belong to by milliseconds, seldom by seconds; after this it is for nobody. */
const parkedMs = 60_000
const lookAgainMs = [100, 500, 2_000, 5_000, 15_000, 30_000, parkedMs]
/** A carrier that tells of strangers' messages must not fill the memory: beyond this the oldest are strays. */
const mostParked = 10_000

type Parked = { readonly receipt: ProviderReceipt; readonly since: number; looks: number }

export function createReceipts(settings: ReceiptsSettings): Receipts {
  const { dispatches, observe, onError, now = () => performance.now() } = settings
  const parked = new Set<Parked>()
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  function park(receipt: ProviderReceipt): void {
    parked.add({ receipt, since: now(), looks: 0 })
    if (parked.size > mostParked) end(parked.values().next().value!)
    schedule()
  }

  function end(one: Parked): void {
    parked.delete(one)
    observe?.(one.receipt, { kind: 'stray' })
  }

  function schedule(): void {
    if (isStopped || timer || parked.size === 0) return
    timer = setTimeout(look, lookAgainMs[0]).unref()
  }

  async function look(): Promise<void> {
    const time = now()
    const due = [...parked].filter((one) => time - one.since >= lookAgainMs[one.looks]!)
    if (due.length > 0)
      try {
        const results = await dispatches.receive(due.map((one) => one.receipt))
        for (const [i, one] of due.entries()) {
          one.looks++
          if (results[i]!.kind === 'recorded') {
            parked.delete(one)
            observe?.(one.receipt, results[i]!)
          } else if (one.looks >= lookAgainMs.length) end(one)
        }
      } catch (error) {
        onError?.('receipts', error) // the next look comes soon
      }
    timer = undefined
    schedule()
  }

  return {
    sinkOf: (provider) => async (receipts) => {
      if (receipts.length === 0) return
      const told = receipts.map((one): ProviderReceipt => ({ ...one, provider }))
      const results = await dispatches.receive(told)
      for (const [i, result] of results.entries())
        if (result.kind === 'unknown') park(told[i]!)
        else observe?.(told[i]!, result)
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
