/** The carriers of a bench: the sandbox inside the server, and peers on loopback that take everything at once. */

import { join } from 'node:path'
import { measured } from './process.ts'

export const carriers = ['sandbox', 'webhook', 'smpp'] as const
export type Carrier = (typeof carriers)[number]

export type Peers = {
  /** The setting `providers` with one carrier. @param keeps  Its bodies, for `kept`. */
  providers(carrier: Carrier, options?: { readonly keeps?: boolean }): Record<string, unknown>
  /** Right codes of the messages that were kept since the last call. */
  kept(): Promise<[contact: string, code: string][]>
}

/** More than the connections of a load, so that none of its messages waits in line. */
const window = 400

export async function startPeers(stack: AsyncDisposableStack): Promise<Peers> {
  const portOf = async (file: string) => {
    const peer = stack.use(await measured([join(import.meta.dirname, file)]))
    return (peer.told as unknown as { port: number }).port
  }
  const [http, smpp] = [await portOf('http-peer.ts'), await portOf('smpp-peer.ts')]
  return {
    providers(carrier, { keeps = false } = {}) {
      if (carrier === 'sandbox') return { carrier: { type: 'sandbox' } }
      const common = { window, receipts: false }
      if (carrier === 'smpp')
        return {
          carrier: {
            ...{ type: 'smpp', host: '127.0.0.1', port: smpp, security: 'none', ...common },
            ...{ systemId: 'bench', password: 'bench', binds: 2, bindWindow: 100 },
          },
        }
      return {
        carrier: {
          ...{ type: 'http', carrier: 'webhook', ...common, allowPrivate: ['127.0.0.1'] },
          url: `http://127.0.0.1:${http}/${keeps ? 'keep' : 'send'}`,
          secret: `whsec_${Buffer.alloc(32, 'bench').toString('base64')}`,
        },
      }
    },
    async kept() {
      const text = await (await fetch(`http://127.0.0.1:${http}/kept`)).text()
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const { data } = JSON.parse(line) as { data: { to: string; variables: string[] } }
          return [data.to, data.variables[0]!]
        })
    },
  }
}
