/** The carriers, as commands open them. */

import type { Settings } from '../config/settings.ts'
import type { ReceiptSink } from '../delivery/provider.ts'
import { createProviders } from '../providers/providers.ts'

/**
 * Refuses receipts that arrive while a command runs, because they are for the server. A carrier that sends them to any
 * connection, as by SMPP, then keeps them and sends them again.
 */
const notForCommands = (): ReceiptSink => async () => {
  throw new Error('receipts are for the server')
}

/** The carriers, closed at the end. */
export async function openProviders(settings: Settings) {
  const { providers } = await createProviders(settings.providers, notForCommands)
  return {
    providers,
    async [Symbol.asyncDispose]() {
      for (const provider of providers.values()) await provider.close?.()
    },
  }
}
