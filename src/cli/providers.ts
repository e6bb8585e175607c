/** `countersign provider list` and `explain`: the carriers of the settings, and the ones that get a message, with reasons. */

import { maskAddress } from '../address/address.ts'
import { channelsOf } from '../config/provider-settings.ts'
import type { Settings } from '../config/settings.ts'
import { timeoutMsOf } from '../delivery/router.ts'
import { explainRoutes, type Route, routeOf } from '../delivery/routes.ts'
import { senderFor } from '../delivery/sender.ts'
import type { Destination } from '../message/destination.ts'
import { checkProviders, type ProviderCheck } from './check-providers.ts'
import { destinationFor, isRegionBarred, type RouteOptions } from './destination.ts'
import { openProviders } from './open-providers.ts'
import { exitCodes, type Terminal } from './terminal.ts'
import { type CommonOptions, settingsFor } from './with-store.ts'

type ListOptions = CommonOptions & { readonly check?: boolean }

export async function listProviders(options: ListOptions, terminal: Terminal): Promise<number> {
  const { settings } = settingsFor(options, terminal)
  const checks = options.check ? await checked(settings) : undefined
  const rows = Object.entries(settings.providers).map(([name, one]) => ({
    name,
    type: one.type,
    channels: channelsOf(one),
    routes: settings.routes
      .filter((route) => route.steps.some((step) => step.provider === name))
      .map((route) => `${route.name}${route.countries ? ` (${route.countries.join(', ')})` : ''}`),
    ...checks?.get(name),
  }))
  if (options.json) terminal.out(JSON.stringify(rows))
  else
    for (const { name, type, channels, routes } of rows) {
      const check = checks?.get(name)
      const state = check ? stateOf(check) : ''
      terminal.out(
        `${name.padEnd(16)} ${type.padEnd(8)} ${channels.join(', ').padEnd(18)} ${state}${routes.join(', ') || 'in no route'}`,
      )
    }
  const isAway = [...(checks?.values() ?? [])].some(({ problem }) => problem !== null)
  return isAway ? exitCodes.failed : exitCodes.done
}

async function checked(settings: Settings): Promise<ReadonlyMap<string, ProviderCheck>> {
  await using made = await openProviders(settings)
  return await checkProviders(made.providers)
}

/** The result of a check, as a column. */
function stateOf({ problem, provesCredentials }: ProviderCheck): string {
  if (problem !== null) return `AWAY: ${problem}  `
  return provesCredentials ? 'credentials taken  ' : 'reached  '
}

export async function explainProvider(
  text: string,
  options: RouteOptions,
  terminal: Terminal,
): Promise<number> {
  const { settings } = settingsFor(options, terminal)
  const { destination, address } = destinationFor(text, settings.addressRules, options)
  const route = routeOf(settings.routes, destination)
  const considered = explainRoutes(settings.routes, destination).map(({ route, mismatch }) => ({
    route: route.name,
    mismatch: mismatch ?? null,
  }))
  const steps = route ? stepsOf(route, settings, destination) : []
  const isBarred = isRegionBarred(settings, destination)
  if (options.json)
    terminal.out(JSON.stringify({ destination, considered, route: route ?? null, steps, isBarred }))
  else {
    const { channel, region } = destination
    terminal.out(`${maskAddress(address)}: ${channel}${region ? `, ${region}` : ''}`)
    if (isBarred) terminal.out(`policy.countries does not allow ${region}: nothing is sent there`)
    for (const one of considered) {
      const isTaken = one.route === route?.name
      terminal.out(
        `  ${isTaken ? 'takes it ' : 'no       '} ${one.route}${one.mismatch ? `: ${one.mismatch}` : isTaken ? '' : ': an earlier one takes it'}`,
      )
    }
    if (route) for (const line of linesOf(route, steps)) terminal.out(line)
    else terminal.out(`no route takes it; add one under routes.${channel}`)
  }
  return route && !isBarred ? exitCodes.done : exitCodes.failed
}

type Step = {
  readonly provider: string
  readonly weight: number
  readonly sender: string | null
  readonly cost: number
  readonly timeoutMs: number
}

/** Each carrier with its share of messages, as long as none of them has failed. */
function stepsOf(route: Route, settings: Settings, destination: Destination): Step[] {
  return route.steps.map(({ provider, weight }, i) => {
    const { cost, senders, timeoutMs } = settings.providers[provider]!
    const isLast = i === route.steps.length - 1
    return {
      provider,
      weight,
      cost,
      sender: senderFor(senders, destination),
      timeoutMs: timeoutMsOf({ timeoutMs }, !isLast),
    }
  })
}

function linesOf(route: Route, steps: readonly Step[]): string[] {
  const inOrder = {
    listed: 'in this order',
    weighted: 'by lot, by weight',
    measured: `as learned from which codes are used and cost, a use being worth ${route.worth}; as written until then`,
  }[route.order]
  const lines = [`carriers, ${inOrder}; the next one after an answer that it was not taken, or a time-out:`]
  for (const { provider, weight, sender, cost, timeoutMs } of steps)
    lines.push(
      `  ${provider.padEnd(16)} time-out ${timeoutMs} ms, sender ${sender ?? "the carrier's own"}` +
        `${route.order === 'weighted' ? `, weight ${weight}` : ''}${cost > 0 ? `, cost ${cost}` : ''}`,
    )
  if (route.second)
    lines.push(
      `then, without a receipt that says delivered within ${route.second.afterMs / 1000} s: ${route.second.channel}`,
    )
  return lines
}
