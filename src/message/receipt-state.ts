/** The states of a message that receipts report. */

/**
 * In rising order: a record only moves to a later state, whatever the order in which receipts arrive (T-6).
 */
export const receiptStates = ['unknown', 'enroute', 'undeliverable', 'delivered'] as const
export type ReceiptState = (typeof receiptStates)[number]

/** The position among them; stores keep it as the state's number. */
export function receiptRank(state: ReceiptState): number {
  return receiptStates.indexOf(state)
}
