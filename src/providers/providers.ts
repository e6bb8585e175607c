/** Makes the carriers of the settings, each by its type. */

import type { ProviderSettings } from '../config/settings.ts'
import type { Provider, ReceiptSink } from '../delivery/provider.ts'
import type { Sandbox } from './sandbox/sandbox.ts'

/**
 * The code of a type is loaded only if the settings name such a carrier, because each type needs its own libraries.
 * @param receive  Gives the sink for the receipts of a provider, by its name.
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
