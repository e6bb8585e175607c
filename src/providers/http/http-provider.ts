/** A carrier with an HTTP interface, as its block declares it: one request for each message, receipts by call-back. */

import type { HttpSettings } from '../../config/providers/http.ts'
import { DeliveryError, type Provider, type ReceiptSink } from '../../delivery/provider.ts'
import { namesIn } from '../../liquid.ts'
import type { Answer } from './answer.ts'
import { answerJudge } from './answer-judge.ts'
import { createHttpClient, type Lost } from './client.ts'
import { compileRequest } from './compile-request.ts'
import { credentialProof } from './credentials.ts'
import { messageValues } from './message-values.ts'
import { createReach } from './other-servers.ts'
import type { Outgoing } from './outgoing.ts'
import { receiptTaker } from './receipts.ts'
import { wordsOf } from './recorded-words.ts'

export type HttpProviderSettings = HttpSettings & {
  readonly name: string
  /** The most requests under way, each on a connection of its own. */
  readonly window: number
}

export function createHttpProvider(settings: HttpProviderSettings, receive: ReceiptSink): Provider {
  const { name, block, values, secrets, server, templateIds, receiptUrl } = settings
  const client = createHttpClient({ ...settings, connections: settings.window })
  const beside = createReach(settings)
  const requestOf = compileRequest(block.request, server)
  const valuesOf = messageValues({ names: namesIn(block.request), fixed: values, templateIds, receiptUrl })
  const judge = answerJudge(block.answer)
  const proof = credentialProof(block, server, values)

  return {
    name,
    channels: block.channels,
    hasReceipts: receiptUrl !== null,

    async send(message, options) {
      const { to, channel } = message
      if ((to.kind === 'email') !== (channel === 'email'))
        throw new DeliveryError('refused', `no address for ${channel}`)
      if (templateIds && !templateIds[message.template])
        throw new DeliveryError('refused', `templateIds has no ${message.template}`)
      const hidden = to.kind === 'email' ? [...secrets, to.mailbox, localPart(to.mailbox)] : secrets
      const nowMs = Date.now()
      let request: Outgoing
      try {
        request = requestOf(valuesOf(message, nowMs), nowMs)
      } catch (error) {
        // liquid's error names the position in the template and shows no value.
        throw new DeliveryError('unavailable', wordsOf([`the block cannot make a request: ${error}`], hidden))
      }
      const outcome = judge(await answerTo(request, options, hidden), message.id, hidden, Date.now())
      if (outcome instanceof DeliveryError) throw outcome
      return outcome
    },

    provesCredentials: proof !== null,

    async check() {
      const { origin, pathname: path } = new URL(server)
      const request = proof?.request(Date.now()) ?? { method: 'GET', origin, path, headers: {}, body: '' }
      const answer = await answerTo(request, { signal: AbortSignal.timeout(checkTimeoutMs) }, secrets)
      // Without such a call any answer will do: the server was reached, and its certificate proves that it is the right one.
      proof?.judge(answer, secrets)
    },

    ...(receiptUrl !== null &&
      block.receipts && {
        receipts: receiptTaker(block.receipts, values, receiptUrl, secrets, receive, beside.reach),
      }),

    async close() {
      await Promise.all([client.close(), beside.close()])
    },
  }

  async function answerTo(
    request: Outgoing,
    options: { readonly signal: AbortSignal },
    hidden: readonly string[],
  ): Promise<Answer> {
    try {
      return await client.exchange(request, options)
    } catch (error) {
      const { wasSent, message } = error as Lost
      throw new DeliveryError(wasSent === true ? 'unknown' : 'unavailable', wordsOf([message], hidden))
    }
  }
}

const checkTimeoutMs = 5_000

function localPart(mailbox: string): string {
  return mailbox.slice(0, mailbox.lastIndexOf('@'))
}
