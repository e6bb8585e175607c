/** Finds why routes cannot work; each reason is a sentence with its remedy. */

import { isSupportedRegion } from '../address/phone-library.ts'
import type { Route } from '../delivery/routes.ts'
import type { Channel } from '../message/channel.ts'

/** The other settings that routes must fit. */
export type RoutePlan = {
  /** The carriers by name, with the channels of each, whether it gives receipts, and its cost. */
  readonly providers: ReadonlyMap<
    string,
    { readonly channels: readonly Channel[]; readonly givesReceipts: boolean; readonly cost: number }
  >
  /** Every name under `providers`, also of those whose settings are wrong. */
  readonly stated: ReadonlySet<string>
  readonly policy: CallerPolicy
  /** Overrides of apps; undefined: as in the policy. */
  readonly apps: ReadonlyMap<string, { readonly [P in keyof CallerPolicy]: CallerPolicy[P] | undefined }>
}

type CallerPolicy = {
  /** Regions for which SMS need a route; null: all. */
  readonly regions: readonly string[] | null
  /** Life of a code by SMS, ms. */
  readonly lifetimeMs: number
}

/** Details of a route's settings that the parsed route no longer has. */
type Stated = { readonly providers: readonly (string | object)[]; readonly worth?: number }

/** Problems of one route by itself. */
export function routeProblems(route: Route, file: Stated, { providers, stated }: RoutePlan): string[] {
  const { name: where, channel, countries, steps, order } = route
  const problems: string[] = []
  for (const { provider } of steps) {
    if (!stated.has(provider)) problems.push(`${where}: ${provider} is not among the providers`)
    else if (providers.has(provider) && !providers.get(provider)!.channels.includes(channel))
      problems.push(`${where}: ${provider} is no provider of ${channel}`)
  }
  const twice = steps.find(({ provider }, i) => steps.findIndex((one) => one.provider === provider) !== i)
  if (twice) problems.push(`${where}: ${twice.provider} is listed twice; take one out`)
  if (channel === 'email' && countries)
    problems.push(`${where}.countries: e-mail goes to no country; take it out`)
  for (const country of countries ?? [])
    if (!isSupportedRegion(country))
      problems.push(
        `${where}.countries: ${country} is no region${country === 'UK' ? '; did you mean GB?' : ''}`,
      )
  const weights = file.providers.filter((one) => typeof one !== 'string')
  if (order === 'weighted' && weights.length < steps.length)
    problems.push(`${where}: order weighted needs a weight for every provider, { name: …, weight: … }`)
  if (order !== 'weighted' && weights.length > 0)
    problems.push(`${where}: weights are only for order weighted; state it, or take them out`)
  if (order === 'measured') {
    const costs = steps.map(({ provider }) => providers.get(provider)?.cost ?? 0)
    if (costs.some((cost) => cost > 0) && file.worth === undefined)
      problems.push(
        `${where}.worth: must be stated where carriers have a cost: what a used code is worth, in the same unit`,
      )
    const dearest = Math.max(...costs)
    if (file.worth !== undefined && dearest >= route.worth)
      problems.push(`${where}.worth: is ${route.worth}, no more than the cost of a message, ${dearest}`)
  } else if (file.worth !== undefined) problems.push(`${where}.worth: is only for order measured`)
  return problems
}

/** Problems of all routes together. */
export function planProblems(routes: readonly Route[], plan: RoutePlan): string[] {
  return [
    ...routes.flatMap((route) => (route.second ? secondProblems(route, routes, plan) : [])),
    ...uncovered(routes, 'policy', plan.policy.regions),
    ...[...plan.apps].flatMap(([app, { regions }]) =>
      regions === undefined ? [] : uncovered(routes, `apps.${app}`, regions, app),
    ),
  ]
}

/** A second channel needs receipts, which show that it is needed; a carrier; and time. */
function secondProblems(route: Route, routes: readonly Route[], plan: RoutePlan): string[] {
  const { name, channel } = route
  const { channel: second, afterMs } = route.second!
  const where = `${name}.second`
  const problems: string[] = []
  if (channel === 'email' || second === 'email')
    problems.push(`${where}: a code goes to the address it proves; only sms and voice follow each other`)
  else if (!routes.some((one) => one.channel === second))
    problems.push(`${where}.channel: nothing serves ${second}; add a carrier of it`)
  else if (second === channel && route.steps.length < 2)
    problems.push(`${where}.channel: ${second} once more needs a second carrier in the route`)
  else {
    const earlier = routes.slice(0, routes.indexOf(route)).filter((one) => one.channel === channel)
    const missing = piecesOf(route, plan).filter(
      (piece) =>
        !earlier.some((one) => covers(one, piece)) &&
        !routes.some((one) => one.channel === second && covers(one, piece)),
    )
    if (missing.length > 0) {
      const regions = new Set(missing.flatMap(({ countries }) => countries ?? ['every country']))
      problems.push(
        `${where}.channel: no route of ${second} takes ${[...regions].join(', ')} for all that ${name} does; add one under routes.${second}, or a route without a second before this one`,
      )
    }
  }
  const deaf = route.steps.filter(({ provider }) => plan.providers.get(provider)?.givesReceipts === false)
  if (deaf.length > 0)
    problems.push(
      `${where}: ${deaf.map((one) => one.provider).join(', ')} gives no receipts, so nothing tells whether a second channel is needed`,
    )
  if (afterMs < 5_000) problems.push(`${where}.after: must be at least 5s; receipts take that long`)
  for (const [stated, lifetimeMs] of lifetimesOf(route, plan)) {
    const longest = lifetimeMs - 20_000
    if (afterMs <= longest) continue
    problems.push(
      longest < 5_000
        ? `${where}: ${stated} of ${lifetimeMs / 1000}s leaves no time for a second; make it at least 25s, or take the second out`
        : `${where}.after: must leave 20s of the code’s life; with ${stated} of ${lifetimeMs / 1000}s it is at most ${longest / 1000}s`,
    )
  }
  return problems
}

/** The messages that a route may take, in pieces: another route takes each piece either whole or not at all. */
function piecesOf({ countries, tenants, apps }: Route, plan: RoutePlan): Reach[] {
  const allowed = [plan.policy.regions, ...[...plan.apps.values()].map((own) => own.regions)]
  const regions = allowed.includes(null) ? null : [...new Set(allowed.flatMap((some) => some ?? []))]
  const mayGo = countries?.filter((country) => regions?.includes(country) ?? true) ?? regions
  const pieces = (names: readonly string[] | null) => names?.map((name) => [name]) ?? [null]
  return pieces(mayGo).flatMap((country) =>
    pieces(tenants).flatMap((tenant) =>
      pieces(apps).map((app): Reach => ({ countries: country, tenants: tenant, apps: app })),
    ),
  )
}

/** The lives that codes of a route may have, each with the setting that it comes from. */
function lifetimesOf({ apps }: Route, plan: RoutePlan): Map<string, number> {
  const own = [...plan.apps].filter(
    ([app, { lifetimeMs }]) => lifetimeMs !== undefined && (apps === null || apps.includes(app)),
  )
  const isByPolicy = apps === null || apps.length > own.length
  return new Map([
    ...(isByPolicy ? [['policy.lifetime.sms', plan.policy.lifetimeMs] as const] : []),
    ...own.map(([app, { lifetimeMs }]) => [`apps.${app}.lifetime.sms`, lifetimeMs!] as const),
  ])
}

/**
 * Every region that codes may be sent to needs a route that takes them for any tenant.
 * @param where  The setting of the regions.
 * @param app  Absent: any app, also one that no setting names.
 */
function uncovered(
  routes: readonly Route[],
  where: string,
  regions: readonly string[] | null,
  app?: string,
): string[] {
  const sms = routes.filter((route) => route.channel === 'sms')
  if (sms.length === 0) return []
  const open = sms.filter(
    ({ tenants, apps }) => !tenants && (!apps || (app !== undefined && apps.includes(app))),
  )
  if (open.some((route) => !route.countries)) return []
  if (regions === null)
    return [
      `routes.sms: no route takes every country, but ${where}.countries allows all; add a last one without countries, or list the countries`,
    ]
  const missing = regions.filter((region) => !open.some((route) => route.countries!.includes(region)))
  return missing.length === 0
    ? []
    : [
        `routes.sms: no route takes ${missing.join(', ')}, which ${where}.countries allows; add one, or take them out there`,
      ]
}

type Reach = Pick<Route, 'countries' | 'tenants' | 'apps'>

/** Whether one route takes every message that the other takes. */
export function covers(one: Reach, other: Reach): boolean {
  const within = (all: readonly string[] | null, some: readonly string[] | null) =>
    all === null || some?.every((name) => all.includes(name)) === true
  return (
    within(one.countries, other.countries) &&
    within(one.tenants, other.tenants) &&
    within(one.apps, other.apps)
  )
}
