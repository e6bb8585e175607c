/** What an SMSC tells by itself: receipts go to their sink, together if they come together, and all is answered. */

import type { Receipt, ReceiptSink } from '../../delivery/provider.ts'
import { type Pdu, simplePdu } from './pdu.ts'
import { type ReceiptRules, readReceipt } from './receipt.ts'
import { statuses } from './smpp-outcome.ts'

type Acquired = { readonly receipt: Receipt; readonly answer: (status: number) => void }

/** Not recorded yet, at most: beyond it the SMSC is asked to tell them again. */
const maxInHand = 2_000

/**
 * Every deliver_sm and data_sm is answered, and with 0 whatever it holds (S-8); only if a receipt could not be
 * recorded, with 0x64, a temporary error, by which the SMSC keeps it and tells it again.
 */
export function takeReceipts(receive: ReceiptSink, rules: ReceiptRules) {
  let gathered: Acquired[] = []
  let inHand = 0

  function onRequest(pdu: Pdu, respond: (pdu: Pdu) => void): void {
    if (pdu.name === 'deliver_sm' || pdu.name === 'data_sm') {
      const answer = (status: number) => respond(simplePdu(`${pdu.name}_resp`, pdu.sequence, status))
      const reading = readReceipt(pdu, rules)
      const shape = reading.kind === 'none' ? undefined : reading.shape
      // Told again it would be no clearer, so that it is answered with 0 all the same.
      if (shape !== undefined) receive([], [shape]).catch(() => undefined)
      if (reading.kind !== 'receipt') answer(statuses.ok)
      else if (inHand >= maxInHand) answer(statuses.temporaryError)
      else {
        inHand++
        if (gathered.push({ receipt: reading.receipt, answer }) === 1) queueMicrotask(flush)
      }
    } else if (pdu.name !== 'alert_notification' && pdu.name !== 'outbind')
      // These two ask for no answer; anything else is for an SMSC to be asked.
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
