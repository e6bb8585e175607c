/** Answers the requests of an SMSC. Receipts go to their sink, together if they arrive together. */

import type { Receipt, ReceiptSink } from '../../delivery/provider.ts'
import { type Pdu, simplePdu } from './pdu.ts'
import { type ReceiptRules, readReceipt } from './receipt.ts'
import { statuses } from './smpp-outcome.ts'

type Acquired = { readonly receipt: Receipt; readonly answer: (status: number) => void }

/** The most receipts that wait to be recorded. Beyond it the SMSC is asked to send them again. */
const maxInHand = 2_000

/**
 * Every deliver_sm and data_sm is answered with 0, whatever it holds (S-8). The exception is a receipt that could not be
 * recorded: 0x64, a temporary error, makes the SMSC keep it and send it again.
 */
export function takeReceipts(receive: ReceiptSink, rules: ReceiptRules) {
  let gathered: Acquired[] = []
  let inHand = 0

  function onRequest(pdu: Pdu, respond: (pdu: Pdu) => void): void {
    if (pdu.name === 'deliver_sm' || pdu.name === 'data_sm') {
      const answer = (status: number) => respond(simplePdu(`${pdu.name}_resp`, pdu.sequence, status))
      const reading = readReceipt(pdu, rules)
      const shape = reading.kind === 'none' ? undefined : reading.shape
      // Sent again it would be no clearer, so it is answered with 0 all the same.
      if (shape !== undefined) receive([], [shape]).catch(() => undefined)
      if (reading.kind !== 'receipt') answer(statuses.ok)
      else if (inHand >= maxInHand) answer(statuses.temporaryError)
      else {
        inHand++
        if (gathered.push({ receipt: reading.receipt, answer }) === 1) queueMicrotask(flush)
      }
    } else if (pdu.name !== 'alert_notification' && pdu.name !== 'outbind')
      // These two need no answer. Any other request is one that only an SMSC receives.
      respond(simplePdu('generic_nack', pdu.sequence, statuses.invalidCommand))
  }

  function flush(): void {
    const taken = gathered
    gathered = []
    const answer = (status: number) => {
      inHand -= taken.length
      for (const one of taken) one.answer(status)
    }
    receive(taken.map(({ receipt }) => receipt)).then(
      () => answer(statuses.ok),
      () => answer(statuses.temporaryError),
    )
  }

  return onRequest
}
