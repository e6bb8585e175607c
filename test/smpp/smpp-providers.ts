/** SMPP providers for tests: a message, a provider towards a port of this machine, and short waits. */

import type { TestContext } from 'node:test'
import type { Address } from '../../src/address/address.ts'
import type { SmppSettings } from '../../src/config/providers/smpp.ts'
import type { Message, Provider, ReceiptSink } from '../../src/delivery/provider.ts'
import { createSmppProvider } from '../../src/providers/smpp/smpp-provider.ts'
import { defaultTimings, type Timings } from '../../src/providers/smpp/timings.ts'

const to: Address = { kind: 'phone', e164: '+8613800138000', region: 'CN' }

/** A code by SMS, as delivery would hand it over. */
export const message: Message = {
  id: 'beef456789abcdef0123456789abcdef',
  tenant: 't',
  app: 'a',
  channel: 'sms',
  to,
  locale: 'en-US',
  sender: null,
  text: '012345 is your Countersign verification code. It is valid for 1 minute. Do not share it.',
  template: 'code',
  variables: ['012345', '1 minute'],
  deadlineAt: 0,
  remainingMs: 60_000,
}

export const never = { signal: new AbortController().signal }

/** As in life, but for what tests would only wait for. */
export const quick: Timings = {
  ...defaultTimings,
  reconnect: { minMs: 5, maxMs: 50 },
  throttle: { minMs: 5, maxMs: 50 },
  tickMs: 5,
}

export const smppSettings: SmppSettings & { readonly name: string } = {
  type: 'smpp',
  name: 'carrier',
  host: '127.0.0.1',
  port: 0,
  security: 'none',
  caFile: null,
  systemId: 'esme',
  password: 'secret',
  systemType: '',
  bind: 'transceiver',
  binds: 1,
  bindWindow: 10,
  alphabet: 'gsm',
  sender: null,
  receipts: true,
  receiptIds: 'as-is',
  receiptStates: {},
  validity: 'relative',
  interfaceVersion: 3.4,
  serviceType: '',
  optionalParameters: 'auto',
  sourceTon: null,
  sourceNpi: null,
  destinationTon: null,
  destinationNpi: null,
  maxParts: 1,
}

type Wanted = {
  readonly settings?: Partial<SmppSettings>
  readonly timings?: Partial<Timings>
  readonly receive?: ReceiptSink
}

/** A provider that is closed after the test. */
export function providerOf(t: TestContext, port: number, wanted: Wanted = {}): Provider {
  const provider = createSmppProvider(
    { ...smppSettings, port, ...wanted.settings },
    wanted.receive ?? (async () => {}),
    { ...quick, closeMs: 100, ...wanted.timings },
  )
  t.after(() => provider.close?.())
  return provider
}
