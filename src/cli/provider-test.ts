/** `countersign provider test`: sends a code that belongs to nobody, in the same way as real ones, and prints each step. */

import { randomInt } from 'node:crypto'
import { type Address, maskAddress } from '../address/address.ts'
import { channelsOf } from '../config/provider-settings.ts'
import type { Settings } from '../config/settings.ts'
import { createMeasuredOrder } from '../delivery/measured-order.ts'
import { DeliveryError, type Message, type Provider } from '../delivery/provider.ts'
import { createRouter, timeoutMsOf } from '../delivery/router.ts'
import { routeOf } from '../delivery/routes.ts'
import { sendWithTimeout } from '../delivery/send-with-timeout.ts'
import { senderFor } from '../delivery/sender.ts'
import { loadTemplates } from '../delivery/templates.ts'
import { AppError } from '../errors.ts'
import type { Destination } from '../message/destination.ts'
import type { DispatchOutcome } from '../message/dispatch.ts'
import { randomHex } from '../random.ts'
import { checkProviders } from './check-providers.ts'
import { destinationFor, isRegionBarred, policyFor, type RouteOptions } from './destination.ts'
import { openProviders } from './open-providers.ts'
import { exitCodes, type Terminal } from './terminal.ts'
import { settingsFor } from './with-store.ts'

type Tell = (step: Record<string, unknown>, words: string) => void

type TestOptions = RouteOptions & { readonly provider?: string; readonly locale: string }

export async function testProvider(text: string, options: TestOptions, terminal: Terminal): Promise<number> {
  const { settings } = settingsFor(options, terminal)
  const { destination, address } = destinationFor(text, settings.addressRules, options)
  if (options.provider !== undefined) assertServes(settings, options.provider, destination)
  const message = await testMessage(settings, destination, address, options.locale)
  const tell: Tell = (step, words) => terminal.out(options.json ? JSON.stringify(step) : words)
  tell(
    { step: 'message', to: maskAddress(address), ...destination },
    `to ${maskAddress(address)}, ${destination.channel}: a code that belongs to nobody`,
  )

  if (isRegionBarred(settings, destination)) {
    tell(
      { step: 'policy', isAllowed: false },
      `policy.countries does not allow ${destination.region}: no code is sent there, and no test`,
    )
    return exitCodes.failed
  }
  await using made = await openProviders(settings)
  const router = createRouter({
    routes: settings.routes,
    providers: new Map(
      [...made.providers].map(([name, provider]) => [name, { ...settings.providers[name]!, provider }]),
    ),
    measured: createMeasuredOrder(() => performance.now(), Math.random),
  })
  const named = options.provider === undefined ? undefined : made.providers.get(options.provider)
  if (named) {
    const { senders, timeoutMs } = settings.providers[named.name]!
    const sender = senderFor(senders, destination)
    const outcome = await tryOne(named, { ...message, sender }, timeoutMsOf({ timeoutMs }, false), tell)
    return outcome === 'accepted' ? exitCodes.done : exitCodes.failed
  }
  const route = routeOf(settings.routes, destination)
  tell({ step: 'route', route: route?.name ?? null }, route ? `route ${route.name}` : 'no route takes it')
  const tried: string[] = []
  while (route && tried.length < route.steps.length) {
    const chosen = router.next(destination, tried)
    if (chosen.kind !== 'provider') break
    const { provider, timeoutMs, sender } = chosen
    const outcome = await tryOne(provider, { ...message, sender }, timeoutMs, tell)
    chosen.leave(outcome)
    if (outcome === 'accepted') return exitCodes.done
    // As for real codes: after a final refusal no other carrier is asked.
    if (outcome === 'refused') break
    tried.push(provider.name)
  }
  tell({ step: 'end', isTaken: false }, 'no carrier took it')
  return exitCodes.failed
}

function assertServes({ providers }: Settings, name: string, { channel }: Destination): void {
  const one = providers[name]
  if (!one)
    throw new AppError(
      'input.invalid',
      `there is no provider ${name}; "countersign provider list" shows them`,
    )
  if (!channelsOf(one).includes(channel))
    throw new AppError(
      'input.invalid',
      `--provider: ${name} serves ${channelsOf(one).join(', ')}, not ${channel}; another address or --channel may do`,
    )
}

async function tryOne(
  provider: Provider,
  message: Message,
  timeoutMs: number,
  tell: Tell,
): Promise<DispatchOutcome> {
  const { name } = provider
  tell({ step: 'hand-over', provider: name, timeoutMs }, `${name}: handed over, at most ${timeoutMs} ms`)
  const startedAt = performance.now()
  const tookMs = () => Math.round(performance.now() - startedAt)
  try {
    const { id, segments, price } = await sendWithTimeout(provider, message, timeoutMs)
    const details = [
      `id ${id}`,
      segments !== undefined && `${segments} part(s)`,
      price && `${price.amount} ${price.currency}`,
    ].filter(Boolean)
    tell(
      { step: 'accepted', provider: name, tookMs: tookMs(), id, segments, price },
      `${name}: accepted after ${tookMs()} ms, ${details.join(', ')}`,
    )
    return 'accepted'
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error
    const { kind, providerCode } = error
    tell(
      { step: kind, provider: name, tookMs: tookMs(), providerCode },
      `${name}: ${kind} after ${tookMs()} ms: ${providerCode}`,
    )
    if (kind === 'unavailable') await tellCredentials(provider, tell)
    return kind
  }
}

/** Checks the credentials after a refusal: they may be wrong, or lack a permission, and answers seldom show which. */
async function tellCredentials(provider: Provider, tell: Tell): Promise<void> {
  if (provider.provesCredentials !== true) return
  const { name } = provider
  const { problem } = (await checkProviders(new Map([[name, provider]]))).get(name)!
  tell(
    { step: 'credentials', provider: name, problem },
    problem === null ? `${name}: takes the credentials` : `${name}: ${problem}`,
  )
}

async function testMessage(
  settings: Settings,
  destination: Destination,
  to: Address,
  locale: string,
): Promise<Message> {
  const { channel, tenant, app } = destination
  const templates = await loadTemplates(settings.templates)
  const id = randomHex(16)
  const { digits, lifetimeMs } = policyFor(settings, destination)
  const values = {
    code: String(randomInt(10 ** digits)).padStart(digits, '0'),
    lifetimeMs: String(lifetimeMs[channel === 'email' ? 'email' : 'sms']),
  }
  const text = templates.render('code', channel, locale, id, values)
  const remainingMs = Number(values.lifetimeMs)
  const deadlineAt = Date.now() + remainingMs
  return {
    id,
    tenant,
    app,
    channel,
    to,
    locale,
    template: 'code',
    sender: null,
    ...text,
    deadlineAt,
    remainingMs,
  }
}
