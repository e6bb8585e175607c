/** Routes: which carriers take a message, by its channel and destination. Pure; the first that fits is taken. */

import type { Channel } from '../message/channel.ts'
import type { Destination } from '../message/destination.ts'

/** listed: as written · weighted: by lot · measured: by success to use and cost, as learned. */
export const routeOrders = ['listed', 'weighted', 'measured'] as const
export type RouteOrder = (typeof routeOrders)[number]

export type RouteStep = {
  readonly provider: string
  /** Share of the first tries in a weighted route, against the other steps'. */
  readonly weight: number
}

export type Route = {
  /** Its path in the settings, e.g. `routes.sms.0`. */
  readonly name: string
  readonly channel: Channel
  /** ISO regions; null: any. */
  readonly countries: readonly string[] | null
  readonly tenants: readonly string[] | null
  readonly apps: readonly string[] | null
  /** At least one. */
  readonly steps: readonly RouteStep[]
  readonly order: RouteOrder
  /** The worth of a used code, in the unit of the carriers' cost; for the order `measured`. */
  readonly worth: number
  /** The channel that follows if no receipt reports delivery in time; null: none. */
  readonly second: { readonly channel: Channel; readonly afterMs: number } | null
}

/** The first route that takes it. */
export function routeOf(routes: readonly Route[], destination: Destination): Route | undefined {
  return routes.find((route) => mismatchOf(route, destination) === undefined)
}

export type RouteExplanation = {
  readonly route: Route
  /** Why the route does not take the message; undefined if it does. */
  readonly mismatch: string | undefined
}

/** Every route of the channel, with the reason why it does not take the message. */
export function explainRoutes(
  routes: readonly Route[],
  destination: Destination,
): readonly RouteExplanation[] {
  return routes
    .filter((route) => route.channel === destination.channel)
    .map((route) => ({ route, mismatch: mismatchOf(route, destination) }))
}

function mismatchOf(route: Route, { channel, region, tenant, app }: Destination): string | undefined {
  if (route.channel !== channel) return `is for ${route.channel}`
  if (route.countries && !route.countries.includes(region))
    return `${region || 'e-mail'} is not among ${route.countries.join(', ')}`
  if (route.tenants && !route.tenants.includes(tenant)) return `is for tenant ${route.tenants.join(', ')}`
  if (route.apps && !route.apps.includes(app)) return `is for app ${route.apps.join(', ')}`
  return undefined
}
