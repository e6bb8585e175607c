/** The carriers there are, made from their settings by type. */

import type { ProviderSettings } from '../config/settings.ts'
import type { Provider, ReceiptSink } from '../delivery/provider.ts'
import type { Sandbox } from './sandbox/sandbox.ts'

/**
 * Carriers are loaded only if the settings name one: each brings its own libraries.
 * @param receive  Where the receipts of a provider go, by its name.
 */
export async function createProviders(
  settings: Readonly<Record<string, ProviderSettings>>,
  receive: (provider: string) => ReceiptSink,
) {
  const providers = new Map<string, Provider>()
  let sandbox: Sandbox | undefined
  const create = async (name: string, one: ProviderSettings): Promise<Provider> => {
    switch (one.type) {
      case 'sandbox': {
        const { createSandbox } = await import('./sandbox/sandbox.ts')
        sandbox = createSandbox({ ...one, name }, receive(name))
        return sandbox.provider
      }
      case 'smpp': {
        const { createSmppProvider } = await import('./smpp/smpp-provider.ts')
        return createSmppProvider({ ...one, name }, receive(name))
      }
      case 'smtp': {
        const { createSmtpProvider } = await import('./smtp/smtp-provider.ts')
        return createSmtpProvider({ ...one, name }, receive(name))
      }
      case 'http': {
        const { createHttpProvider } = await import('./http/http-provider.ts')
        return createHttpProvider({ ...one, name }, receive(name))
      }
    }
  }
  for (const [name, one] of Object.entries(settings)) providers.set(name, await create(name, one))
  return { providers, sandbox }
}
