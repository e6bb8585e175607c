/** The carriers of a bench: the sandbox inside the server, and peers on loopback that take everything at once. */

import { join } from 'node:path'
import type { Code } from './calls.ts'
import { measured } from './process.ts'

export type Carrier = 'sandbox' | 'webhook' | 'smpp'

export type Peers = {
  /** The settings of a carrier. @param keeps  The peer keeps what it is sent, for `kept`. */
  provider(carrier: Carrier, options?: { readonly keeps?: boolean }): Record<string, unknown>
  /** Where the webhook takes messages. */
  readonly webhook: string
  /** Messages that the peer of a carrier has taken so far; undefined: the carrier has none. */
  taken(carrier: Carrier): Promise<number | undefined>
  /** Right codes of the messages that were kept since the last call. */
  kept(): Promise<Code[]>
}

/** More than the connections of a load, so that none of its messages waits in line. */
const window = 400

export async function startPeers(stack: AsyncDisposableStack): Promise<Peers> {
  const start = async (file: string) => {
    const peer = stack.use(await measured([join(import.meta.dirname, file)]))
    return peer.told as { readonly port: number; readonly counts: string }
  }
  const [http, smpp] = [await start('http-peer.ts'), await start('smpp-peer.ts')]
  const webhook = `http://127.0.0.1:${http.port}`
  return {
    webhook: `${webhook}/send`,
    provider(carrier, { keeps = false } = {}) {
      if (carrier === 'sandbox') return { type: 'sandbox' }
      const common = { window, receipts: false }
      if (carrier === 'smpp')
        return {
          ...{ type: 'smpp', host: '127.0.0.1', port: smpp.port, security: 'none', ...common },
          ...{ systemId: 'bench', password: 'bench', binds: 2, bindWindow: 100 },
        }
      return {
        ...{ type: 'http', carrier: 'webhook', ...common, allowPrivate: ['127.0.0.1'] },
        url: `${webhook}/${keeps ? 'keep' : 'send'}`,
        secret: `whsec_${Buffer.alloc(32, 'bench').toString('base64')}`,
      }
    },
    async taken(carrier) {
      if (carrier === 'sandbox') return undefined
      return Number(await (await fetch(carrier === 'webhook' ? `${webhook}/taken` : smpp.counts)).text())
    },
    async kept() {
      const text = await (await fetch(`${webhook}/kept`)).text()
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
