/** What became of a message in the words of receipts. */

/**
 * In the order of what is known: each state outranks those before it, and a record only moves up, whatever the order
 * receipts come in (T-6).
 */
export const receiptStates = ['unknown', 'enroute', 'undeliverable', 'delivered'] as const
export type ReceiptState = (typeof receiptStates)[number]

/** The position among them; stores keep it as the state's number. */
export function receiptRank(state: ReceiptState): number {
  return receiptStates.indexOf(state)
}
