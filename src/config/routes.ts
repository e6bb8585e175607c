/** The routes section: which carriers take what, and every reason why such a plan could not work. */

import { isSupportedCountry } from 'libphonenumber-js/max'
import { type Static, type TSchema, Type } from 'typebox'
import { type Channel, channels } from '../delivery/provider.ts'
import { type Route, type RouteStep, routeOrders } from '../delivery/routes.ts'
import { parseDuration } from './duration.ts'
import { durationPattern, optional, strict } from './policy-schema.ts'

const names = (description: string) =>
  optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description }))

const step = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Object(
    {
      name: Type.String({ minLength: 1 }),
      weight: Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 }),
    },
    strict,
  ),
])

export const routeSchema = Type.Object(
  {
    countries: optional(
      Type.Array(Type.String({ pattern: '^[A-Z]{2}$' }), {
        minItems: 1,
        description: 'Regions (ISO 3166-1) of the numbers it takes; not stated: any.',
      }),
    ),
    tenants: names('Tenants whose messages it takes; not stated: any.'),
    apps: names('Apps whose messages it takes; not stated: any.'),
    providers: Type.Array(step, {
      minItems: 1,
      description: 'Carriers: names, or `{ name, weight }` for the order weighted.',
    }),
    order: optional(
      Type.Union(
        routeOrders.map((one) => Type.Literal(one)),
        {
          description:
            'listed: as written. weighted: by lot, by weight. measured: as learned from which codes are used, and from cost.',
          default: 'listed',
        },
      ),
    ),
    worth: optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: 'What a code that is used is worth, in the unit of the carriers’ cost; for measured.',
        default: 1,
      }),
    ),
    second: optional(
      Type.Object(
        {
          channel: Type.Union(
            channels.map((one) => Type.Literal(one)),
            { description: 'Channel of the second message: voice, or sms for the next carrier.' },
          ),
          after: Type.String({
            pattern: durationPattern,
            description: 'How long a receipt that says delivered is waited for.',
          }),
        },
        {
          ...strict,
          description: 'The same code once more to the same number, if no receipt says delivered.',
        },
      ),
    ),
  },
  strict,
)

const section = (description: string) =>
  optional(Type.Array(Type.Union([Type.String({ minLength: 1 }), routeSchema]), { description }))

export const routesSchema = Type.Object(
  {
    sms: section(
      'Routes of SMS; the first that fits a message takes it. A list of carriers is one route for everything. Default: all carriers that serve it, as listed.',
    ),
    email: section('Routes of e-mail, likewise.'),
    voice: section('Routes of calls, likewise; used as a second channel.'),
  } satisfies Record<Channel, TSchema>,
  strict,
)

type RouteFile = Static<typeof routeSchema>
export type RoutesFile = { readonly [C in Channel]?: readonly (string | RouteFile)[] }

/** What the plan is held against. */
export type RoutePlan = {
  readonly routes: RoutesFile
  /** The carriers by name, with what each serves and whether it tells what became of messages. */
  readonly providers: ReadonlyMap<
    string,
    { readonly channels: readonly Channel[]; readonly givesReceipts: boolean; readonly cost: number }
  >
  /** Every name under `providers`, also of those whose settings are wrong. */
  readonly stated: ReadonlySet<string>
  /** Regions that must find a route for SMS; null: all there are. */
  readonly regions: readonly string[] | null
  /** The shortest life of a code by SMS, ms. */
  readonly lifetimeMs: number
}

/** @param problems  Gets a sentence for each thing that cannot work, with its remedy. */
export function routesOf(plan: RoutePlan, problems: string[]): readonly Route[] {
  const routes = channels.flatMap((channel) => routesOfChannel(channel, plan, problems))
  for (const route of routes) if (route.second) problems.push(...secondProblems(route, routes, plan))
  problems.push(...uncovered(routes, plan))
  return routes
}

function routesOfChannel(channel: Channel, plan: RoutePlan, problems: string[]): Route[] {
  const stated = plan.routes[channel]
  if (!stated) {
    const serving = [...plan.providers].filter(([, one]) => one.channels.includes(channel))
    if (serving.length === 0) return []
    return [routeFrom({ providers: serving.map(([name]) => name) }, channel, `routes.${channel}`)]
  }
  const texts = stated.filter((one) => typeof one === 'string')
  if (texts.length > 0 && texts.length < stated.length) {
    problems.push(
      `routes.${channel}: is either a list of carriers, or a list of routes { providers: […], … }; not both`,
    )
    return []
  }
  if (stated.length === 0) return []
  const files =
    texts.length > 0
      ? [[`routes.${channel}`, { providers: texts as string[] }] as const]
      : stated.map((one, i) => [`routes.${channel}.${i}`, one as RouteFile] as const)
  const routes: Route[] = []
  for (const [where, file] of files) {
    const route = routeFrom(file, channel, where)
    problems.push(...routeProblems(route, file, plan))
    const shadow = routes.find((earlier) => covers(earlier, route))
    if (shadow)
      problems.push(`${where}: can never be taken, for ${shadow.name} takes all that it would; put it before`)
    routes.push(route)
  }
  return routes
}

function routeFrom(file: RouteFile, channel: Channel, name: string): Route {
  return {
    name,
    channel,
    countries: file.countries ?? null,
    tenants: file.tenants ?? null,
    apps: file.apps ?? null,
    steps: file.providers.map(
      (one): RouteStep =>
        typeof one === 'string' ? { provider: one, weight: 1 } : { provider: one.name, weight: one.weight },
    ),
    order: (file.order ?? 'listed') as Route['order'],
    worth: file.worth ?? 1,
    second: file.second
      ? { channel: file.second.channel as Channel, afterMs: parseDuration(file.second.after)! }
      : null,
  }
}

function routeProblems(route: Route, file: RouteFile, { providers, stated }: RoutePlan): string[] {
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
    if (!isSupportedCountry(country))
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

/** A plan for a second channel must have a way to know that it is needed, a carrier, and time. */
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
  const deaf = route.steps.filter(({ provider }) => plan.providers.get(provider)?.givesReceipts === false)
  if (deaf.length > 0)
    problems.push(
      `${where}: ${deaf.map((one) => one.provider).join(', ')} gives no receipts, so nothing tells whether a second channel is needed`,
    )
  const longest = plan.lifetimeMs - 20_000
  if (afterMs < 5_000 || afterMs > longest)
    problems.push(
      `${where}.after: must be at least 5s and leave 20s of the code’s life; with policy.lifetime.sms of ${plan.lifetimeMs / 1000}s at most ${Math.max(0, longest / 1000)}s`,
    )
  return problems
}

/** Every region that codes may be sent to needs a route that takes any app and tenant. */
function uncovered(routes: readonly Route[], { regions }: RoutePlan): string[] {
  const sms = routes.filter((route) => route.channel === 'sms')
  const [first] = sms
  if (!first) return []
  const forAll = sms.filter((route) => !route.tenants && !route.apps)
  if (forAll.some((route) => !route.countries)) return []
  if (regions === null)
    return [
      'routes.sms: no route takes every country, but policy.countries allows all; add a last one without countries, or list the countries',
    ]
  const missing = regions.filter((region) => !forAll.some((route) => route.countries!.includes(region)))
  return missing.length === 0
    ? []
    : [
        `routes.sms: no route takes ${missing.join(', ')}, which policy.countries allows; add one, or take them out there`,
      ]
}

/** Whether one takes everything that the other would. */
function covers(one: Route, other: Route): boolean {
  const within = (all: readonly string[] | null, some: readonly string[] | null) =>
    all === null || some?.every((name) => all.includes(name)) === true
  return (
    within(one.countries, other.countries) &&
    within(one.tenants, other.tenants) &&
    within(one.apps, other.apps)
  )
}
