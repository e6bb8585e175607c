/** Receives bounces from the operator's mail server, at the addresses of messages, and turns them into receipts. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { Receipt, ReceiptSink } from '../../delivery/provider.ts'
import { AppError } from '../../errors.ts'
import type { BounceAddresses } from './bounce-address.ts'
import { readBounce } from './delivery-status.ts'
import { withoutSecrets } from './smtp-outcome.ts'

export type BounceListener = AsyncDisposable & { readonly port: number }

/** The size of a report with a copy of its mail; a larger mail is no report. */
const maxBounce = 256 * 1024
/** The most recipients of one mail: mail servers gather mails, and each address costs a comparison. */
const maxRecipients = 50
const maxConnections = 20
const silenceMs = 10_000

/**
 * Refuses recipients that are not our addresses. Accepts all other mail, whatever it holds, so that no bounce causes
 * another bounce. Only when the sink fails, asks the mail server to come again.
 * @throws AppError `config.invalid` if it cannot listen there.
 */
export async function listenForBounces(
  { host, port }: { readonly host: string; readonly port: number },
  addresses: BounceAddresses,
  receive: ReceiptSink,
): Promise<BounceListener> {
  const server = new SMTPServer({
    banner: 'bounces only',
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: maxBounce,
    maxClients: maxConnections,
    socketTimeout: silenceMs,
    closeTimeout: 1_000,
    maxRecipients: maxRecipients,
    onRcptTo({ address }, _session, done) {
      if (addresses.messageIdOf(address) !== undefined) done()
      else done(refusal(550, '5.1.1 no such address'))
    },
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = []
      let size = 0
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= maxBounce) chunks.push(chunk)
      })
      stream.on('end', () => {
        if (size > maxBounce) return done(refusal(552, '5.3.4 too large for a bounce'))
        const { mailFrom, rcptTo } = envelope
        const hasNullSender = mailFrom === false || mailFrom.address === ''
        const keys = rcptTo.flatMap(({ address }) => addresses.messageIdOf(address) ?? [])
        const receipts = receiptsOf(Buffer.concat(chunks), hasNullSender, keys)
        receive(receipts).then(
          () => done(),
          () => done(refusal(451, '4.3.0 not now')),
        )
      })
    },
  })
  // Errors of a client that goes away mid-way need no handling.
  server.on('error', () => undefined)
  const listening = once(server.server, 'listening')
  server.listen(port, host)
  await listening.catch((error: NodeJS.ErrnoException) => {
    const remedy =
      error.code === 'EADDRINUSE' ? 'something else listens there; choose another port' : error.message
    throw new AppError('config.invalid', `bounces.listen: cannot listen on ${host}:${port}: ${remedy}`, {
      cause: error,
    })
  })
  return {
    port: (server.server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

function receiptsOf(raw: Buffer, hasNullSender: boolean, keys: readonly string[]): Receipt[] {
  const status = readBounce(raw, hasNullSender)
  if (!status) return []
  const { state, words, mailboxes } = status
  const providerCode = withoutSecrets(words, mailboxes)
  return keys.map((key) => ({ key, state, providerCode }))
}

function refusal(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode })
}
