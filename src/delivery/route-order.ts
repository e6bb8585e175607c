/** The order in which the providers of a route are tried. */

import type { MeasuredOrder } from './measured-order.ts'
import type { Route, RouteStep } from './routes.ts'

export type OrderSettings = {
  readonly measured: Pick<MeasuredOrder, 'order'>
  /** The cost of one message, by the provider's name. */
  readonly costOf: (provider: string) => number
  /** 0 to 1, 1 excluded. */
  readonly random: () => number
}

/**
 * @param tried  Providers that the message was dispatched to, oldest first.
 * @returns All of the route, those already tried last and longest ago first.
 */
export function tryOrder(
  route: Route,
  region: string,
  tried: readonly string[],
  settings: OrderSettings,
): readonly string[] {
  const [only, ...others] = route.steps
  if (others.length === 0) return [only!.provider]
  const order = routeOrder(route, region, settings)
  if (tried.length === 0) return order
  const rank = (name: string) => tried.lastIndexOf(name)
  return order.toSorted((a, b) => rank(a) - rank(b))
}

function routeOrder(
  { order, steps, worth }: Route,
  region: string,
  { measured, costOf, random }: OrderSettings,
): readonly string[] {
  switch (order) {
    case 'listed':
      return steps.map((one) => one.provider)
    case 'weighted':
      return byLot(steps, random)
    case 'measured':
      return measured.order(
        steps.map(({ provider }) => ({ provider, cost: costOf(provider) })),
        region,
        worth,
      )
  }
}

/** All steps in a random order: each next one is drawn by its weight among those left. */
export function byLot(steps: readonly RouteStep[], random: () => number): string[] {
  const left = [...steps]
  const drawn: string[] = []
  while (left.length > 0) {
    let lot = random() * left.reduce((sum, one) => sum + one.weight, 0)
    let at = left.findIndex((one) => {
      lot -= one.weight
      return lot < 0
    })
    if (at < 0) at = left.length - 1
    drawn.push(left.splice(at, 1)[0]!.provider)
  }
  return drawn
}
