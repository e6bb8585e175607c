/** Carriers that outlive the server under test and keep all that came, of each kind there is, seen alike. */

import { startMailSink } from './mail-sink.ts'
import { startScriptedCarrier } from './scripted-carrier.ts'
import { newNumber } from './server.ts'
import { startFakeSmsc } from './smpp/fake-smsc.ts'

/** One message that a carrier took. */
export type Arrived = {
  /** As the caller named it. */
  readonly to: string
  /** The id by which the carrier can recognise copies of a message. */
  readonly id: string
  readonly code: string | undefined
}

export type Sink = AsyncDisposable & {
  arrived(): readonly Arrived[]
  /** Lines of a settings file: the provider `carrier`, and the routes through it. */
  readonly settings: string
  newContact(): string
}

/** Each kind of provider that speaks a protocol. */
export const sinkKinds = ['smtp', 'http', 'smpp'] as const
export type SinkKind = (typeof sinkKinds)[number]

export async function startSink(kind: SinkKind): Promise<Sink> {
  switch (kind) {
    case 'smtp': {
      const sink = await startMailSink()
      let last = 0
      return {
        arrived: () => sink.mails.map(({ to, messageId, code }) => ({ to, id: messageId, code })),
        settings: `  carrier: { type: smtp, host: 127.0.0.1, port: ${sink.port}, security: none, from: { address: noreply@example.com } }
routes: { email: [carrier], sms: [sandbox] }`,
        newContact: () => `person${last++}@example.com`,
        [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
      }
    }
    case 'http': {
      const carrier = await startScriptedCarrier()
      return {
        arrived: () => carrier.taken,
        settings: `${carrier.settings('carrier')}\nroutes: { sms: [carrier], email: [sandbox] }`,
        newContact: newNumber,
        [Symbol.asyncDispose]: () => carrier[Symbol.asyncDispose](),
      }
    }
    case 'smpp': {
      const smsc = await startFakeSmsc()
      return {
        // The reference is the first 16 bits of our message id.
        arrived: () => smsc.submits.map(({ to, reference, code }) => ({ to, id: String(reference), code })),
        settings: `  carrier: { type: smpp, host: 127.0.0.1, port: ${smsc.port}, security: none, systemId: test, password: test }
routes: { sms: [carrier], email: [sandbox] }`,
        newContact: newNumber,
        [Symbol.asyncDispose]: () => smsc[Symbol.asyncDispose](),
      }
    }
  }
}
