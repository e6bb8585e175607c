/** Records receipts at once, or parks them while their dispatch is not known yet. */

import type { Dispatches, ProviderReceipt, ReceiptResult } from '../store/dispatches.ts'
import type { Receipt, ReceiptSink } from './provider.ts'

export type ReceiptsSettings = {
  readonly dispatches: Dispatches
  /** Called for every receipt, with its result. */
  readonly observe?: (receipt: ProviderReceipt, result: ReceiptResult | { readonly kind: 'stray' }) => void
  /** Called for each receipt that could not be read in full, with its shape. */
  readonly onUnread?: (provider: string, shape: string) => void
  readonly onError?: (what: string, error: unknown) => void
  /** Milliseconds by a clock that never goes back. Default: `performance.now()`. */
  readonly now?: () => number
}

export type Receipts = {
  /** The sink of one provider. */
  sinkOf(provider: string): ReceiptSink
  /** Drops the receipts that are still parked. The carrier was answered, so it will not send them again. */
  stop(): void
}

/** How long a receipt stays parked. It overtakes the answer of its message by milliseconds, seldom by seconds. */
const parkedMs = 60_000
/** How old it is when it is tried again. */
const retryAtMs = [100, 500, 2_000, 5_000, 15_000, 30_000, parkedMs]
/** The most parked receipts; beyond it the oldest are strays. A carrier that reports others' messages must not fill the memory. */
const maxParked = 10_000

/** A receipt under each of its possible keys, the likeliest first. */
type Meanings = readonly [ProviderReceipt, ...ProviderReceipt[]]

type Parked = { readonly meanings: Meanings; readonly since: number; tries: number }

export function createReceipts(settings: ReceiptsSettings): Receipts {
  const { dispatches, observe, onUnread, onError, now = () => performance.now() } = settings
  const parked = new Set<Parked>()
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  function park(meanings: Meanings): void {
    parked.add({ meanings, since: now(), tries: 0 })
    if (parked.size > maxParked) end(parked.values().next().value!)
    schedule()
  }

  function end(one: Parked): void {
    parked.delete(one)
    observe?.(one.meanings[0], { kind: 'stray' })
  }

  /** Records each by the first of its keys that a dispatch waits for. @returns Those without such a dispatch. */
  async function receive(given: readonly Meanings[]): Promise<ReadonlySet<Meanings>> {
    let left = given
    for (let i = 0; left.length > 0; i++) {
      const asked = left.filter((meanings) => i < meanings.length)
      if (asked.length === 0) break
      const results = await dispatches.receive(asked.map((meanings) => meanings[i]!))
      const recorded = new Set<Meanings>()
      for (const [at, result] of results.entries())
        if (result.kind === 'recorded') {
          recorded.add(asked[at]!)
          observe?.(asked[at]![i]!, result)
        }
      left = left.filter((meanings) => !recorded.has(meanings))
    }
    return new Set(left)
  }

  function schedule(): void {
    if (isStopped || timer || parked.size === 0) return
    timer = setTimeout(retryDue, retryAtMs[0]).unref()
  }

  async function retryDue(): Promise<void> {
    const time = now()
    const due = [...parked].filter((one) => time - one.since >= retryAtMs[one.tries]!)
    if (due.length > 0)
      try {
        const unknown = await receive(due.map(({ meanings }) => meanings))
        for (const one of due) {
          one.tries++
          if (!unknown.has(one.meanings)) parked.delete(one)
          else if (one.tries >= retryAtMs.length) end(one)
        }
      } catch (error) {
        onError?.('receipts', error) // the next try comes soon
      }
    timer = undefined
    schedule()
  }

  return {
    sinkOf:
      (provider) =>
      async (receipts, unread = []) => {
        for (const shape of unread) onUnread?.(provider, shape)
        for (const meanings of await receive(receipts.map((one) => meaningsOf(one, provider)))) park(meanings)
      },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

function meaningsOf({ otherKeys = [], ...receipt }: Receipt, provider: string): Meanings {
  return [{ ...receipt, provider }, ...otherKeys.map((key) => ({ ...receipt, key, provider }))]
}
