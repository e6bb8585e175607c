/** SMS by SMPP 3.4: sends a message as one or more submits, and turns their results into outcomes and receipts. */

import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import type { SmppSettings } from '../../config/providers/smpp.ts'
import { DeliveryError, type Message, type Provider, type ReceiptSink } from '../../delivery/provider.ts'
import type { BodyOf } from './pdu.ts'
import { canonicalId } from './receipt.ts'
import { takeReceipts } from './receipt-intake.ts'
import { openSession } from './session.ts'
import { encodeText, userDataHeaderBit, withHeader } from './text.ts'
import { validityPeriod } from './times.ts'
import { defaultTimings, type Timings } from './timings.ts'
import { tlvTags, uint16Tlv } from './tlv.ts'

/** SMPP 3.4, 5.2.5 and 5.2.6. */
const international = { ton: 1, npi: 1 }
const shortCode = { ton: 3, npi: 0 }
const alphanumeric = { ton: 5, npi: 0 }
const unstated = { ton: 0, npi: 0 }

/**
 * Connects at once.
 * @param receive  Gets the receipts of this carrier.
 * @param timings  Shorter in tests.
 * @throws Error if the file of certificate authorities cannot be read.
 */
export function createSmppProvider(
  settings: SmppSettings & { readonly name: string },
  receive: ReceiptSink,
  timings: Timings = defaultTimings,
): Provider {
  const { host, port, security, caFile, receipts, alphabet, maxParts } = settings
  const ca = caFile === null ? null : [...getCACertificates('default'), readFileSync(caFile, 'utf8')]
  const session = openSession(
    {
      ...settings,
      peer: { host, port, tls: security === 'tls' ? { ca } : null },
      window: settings.bindWindow,
      timings,
      random: Math.random,
    },
    takeReceipts(receive, { ids: settings.receiptIds, states: settings.receiptStates }),
  )
  let reference = Math.floor(Math.random() * 256)

  return {
    name: settings.name,
    channels: ['sms'],
    hasReceipts: receipts,

    async send(message, options) {
      const { to, id, remainingMs } = message
      if (to.kind !== 'phone') throw new DeliveryError('refused', 'not a phone number')
      const { dataCoding, parts } = encodeText(message.text, alphabet)
      if (parts.length > maxParts)
        // A limit of this carrier: another may take the message. `throttled` does not count against this one.
        throw new DeliveryError('throttled', `takes ${parts.length} parts, maxParts is ${maxParts}`)
      const isOne = parts.length === 1
      reference = (reference + 1) % 256
      const until = performance.now() + remainingMs
      const tlvs = new Map([[tlvTags.userMessageReference, uint16Tlv(Number.parseInt(id.slice(0, 4), 16))]])
      let messageId = ''
      // One after the other: if a part is refused, the others must not be paid for.
      for (const [i, part] of parts.entries()) {
        const isLast = i === parts.length - 1
        const leftMs = until - performance.now()
        messageId = await session.submit({
          body: {
            ...addresses(message.sender ?? settings.sender, to.e164, settings),
            serviceType: settings.serviceType,
            esmClass: isOne ? 0 : userDataHeaderBit,
            protocolId: 0,
            priorityFlag: 0,
            scheduleDeliveryTime: '',
            validityPeriod: validityPeriod(settings.validity, leftMs),
            // The last part's receipt stands for all.
            registeredDelivery: receipts && isLast ? 1 : 0,
            replaceIfPresentFlag: 0,
            dataCoding,
            smDefaultMsgId: 0,
            shortMessage: isOne ? part : withHeader(part, reference, parts.length, i + 1),
          },
          tlvs,
          remainingMs: leftMs,
          options,
        })
      }
      return {
        id: messageId,
        ...(receipts && { receiptKey: canonicalId(messageId) }),
        segments: parts.length,
      }
    },

    check: session.check,
    provesCredentials: true, // a bind proves the credentials
    close: session.close,
  }
}

function addresses(sender: string | null, e164: Message['text'], settings: SmppSettings) {
  const source = sender ?? ''
  const { ton, npi } =
    source === ''
      ? unstated
      : source.startsWith('+')
        ? international
        : /^\d+$/.test(source)
          ? shortCode
          : alphanumeric
  return {
    sourceAddrTon: settings.sourceTon ?? ton,
    sourceAddrNpi: settings.sourceNpi ?? npi,
    sourceAddr: source.replace('+', ''),
    destAddrTon: settings.destinationTon ?? international.ton,
    destAddrNpi: settings.destinationNpi ?? international.npi,
    destinationAddr: e164.slice(1),
  } satisfies Partial<BodyOf<'submit_sm'>>
}
