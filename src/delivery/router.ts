/** Chooses the provider of a message, by the route of its destination and by the state of the route's providers. */

import type { Channel } from '../message/channel.ts'
import type { Destination } from '../message/destination.ts'
import type { DispatchOutcome } from '../message/dispatch.ts'
import type { ProviderState } from '../metrics.ts'
import type { BreakerChange, Entered } from './circuit-breaker.ts'
import { type GuardedProvider, guard, type RoutedProvider } from './guarded-provider.ts'
import type { MeasuredOrder } from './measured-order.ts'
import type { Provider } from './provider.ts'
import { tryOrder } from './route-order.ts'
import { type Route, routeOf } from './routes.ts'
import { senderFor } from './sender.ts'

export type RouterSettings = {
  readonly routes: readonly Route[]
  /** By name; every step of every route is among them. */
  readonly providers: ReadonlyMap<string, RoutedProvider>
  readonly measured: MeasuredOrder
  readonly onBreaker?: (provider: string, change: BreakerChange) => void
  /** Milliseconds, never going back. Default: `performance.now()`. */
  readonly now?: () => number
  /** 0 to 1, 1 excluded. */
  readonly random?: () => number
}

export type Chosen = {
  readonly kind: 'provider'
  readonly provider: Provider
  readonly timeoutMs: number
  readonly sender: string | null
  /** Whether the message must be marked in the store before it is handed over. */
  readonly isMarked: boolean
  /** Whether another working provider of the route was not tried yet; it can be tried without a wait. */
  readonly hasNext: boolean
  /** The channel that follows if no receipt reports delivery in time. */
  readonly second: Route['second']
  /**
   * To be called once, when the hand-over has ended.
   * @param retryAfterMs  The pause that the provider asked for; meanwhile others take its messages.
   */
  leave(outcome: DispatchOutcome, retryAfterMs?: number): void
}

/** Every provider that could take it is at its capacity. */
export type Full = {
  readonly kind: 'wait'
  /** Many messages wait for that provider already. */
  readonly isLong: boolean
  /** Resolves when it is worth asking again. */
  capacity(): Promise<void>
}

export type Router = {
  /** @param tried  Providers that the message was dispatched to so far, oldest first. */
  next(destination: Destination, tried: readonly string[]): Chosen | Full | { readonly kind: 'none' }
  /** Whether any route takes it. */
  serves(destination: Destination): boolean
  /** The route that takes it, and its carriers as they are written. */
  routeFor(destination: Destination): RouteFacts | undefined
  states(): readonly ProviderState[]
}

export type RouteFacts = {
  readonly name: string
  readonly carriers: readonly { readonly name: string; readonly cost: number }[]
}

/** The time of one hand-over. It is shorter if another provider can take over, because a person waits for the code. */
const timeoutMs = { withNext: 2_500, last: 10_000 } as const
export function timeoutMsOf(by: Pick<RoutedProvider, 'timeoutMs'>, hasNext: boolean): number {
  return by.timeoutMs ?? (hasNext ? timeoutMs.withNext : timeoutMs.last)
}

/** The longest time until capacity is checked again. */
const checkCapacityMs = 250
/** A line is long from so many messages on, about as many as most windows have capacity for. */
const longLine = 256

export function createRouter(settings: RouterSettings): Router {
  const { routes, measured, onBreaker, now = () => performance.now(), random = Math.random } = settings
  const providers = new Map(
    [...settings.providers].map(([name, one]) => [
      name,
      guard(name, one, { now, random }, (change) => onBreaker?.(name, change)),
    ]),
  )
  const named = (name: string) => providers.get(name)!
  const sandboxes = [...settings.providers.values()].filter((one) => one.isSandbox)
  const sandboxRoutes = new Map<Channel, Route>()
  const order = { measured, costOf: (name: string) => named(name).cost, random }

  function routeFor(destination: Destination): Route | undefined {
    if (!destination.isSandboxed) return routeOf(routes, destination)
    const { channel } = destination
    const known = sandboxRoutes.get(channel)
    if (known) return known
    const names = sandboxes
      .filter(({ provider }) => provider.channels.includes(channel))
      .map(({ provider }) => provider.name)
    if (names.length === 0) return undefined
    const route = sandboxRoute(channel, names)
    sandboxRoutes.set(channel, route)
    return route
  }

  function chosen(
    by: GuardedProvider,
    entered: Entered,
    route: Route,
    destination: Destination,
    tried: readonly string[],
  ): Chosen {
    const hasNext = route.steps.some(({ provider }) => {
      if (provider === by.name || tried.includes(provider)) return false
      const { breaker, gate } = named(provider)
      return breaker.state() === 'closed' && !gate.isPaused
    })
    by.gate.enter()
    return {
      kind: 'provider',
      provider: by.provider,
      timeoutMs: timeoutMsOf(by, hasNext),
      sender: senderFor(by.senders, destination),
      isMarked: by.afterCrash === 'unknown',
      hasNext,
      second: route.second,
      leave(outcome, retryAfterMs) {
        if (retryAfterMs !== undefined) by.gate.pause(retryAfterMs)
        by.gate.leave()
        entered.leave(outcome)
      },
    }
  }

  /** Chooses while all providers fail: a message that would be lost anyway loses nothing by another try. */
  function lastResort(
    inOrder: readonly GuardedProvider[],
    route: Route,
    destination: Destination,
    tried: readonly string[],
  ): Chosen | Full {
    // They take turns: the next one may work again long before its breaker lets a probe through.
    const turn = ({ name }: GuardedProvider) => tried.lastIndexOf(name)
    const byTurns = inOrder.toSorted(
      (a, b) => turn(a) - turn(b) || a.breaker.opensUntil() - b.breaker.opensUntil(),
    )
    const free = byTurns.find((one) => one.gate.capacityInMs() === 0 && one.lastResort.capacityInMs() === 0)
    if (!free) return lineOf(byTurns[0]!, checkCapacityMs)
    free.lastResort.enter()
    return chosen(free, free.breaker.enterAnyway(), route, destination, tried)
  }

  return {
    next(destination, tried) {
      const route = routeFor(destination)
      if (!route) return { kind: 'none' }
      const inOrder = tryOrder(route, destination.region, tried, order).map(named)
      let full: GuardedProvider | undefined
      let waitMs = checkCapacityMs
      for (const one of inOrder) {
        const capacityInMs = one.gate.capacityInMs()
        const entered = capacityInMs === 0 ? one.breaker.enter() : undefined
        if (entered) return chosen(one, entered, route, destination, tried)
        if (capacityInMs === 0 || one.breaker.state() !== 'closed') continue
        full ??= one
        waitMs = Math.min(waitMs, capacityInMs ?? checkCapacityMs)
      }
      return full ? lineOf(full, waitMs) : lastResort(inOrder, route, destination, tried)
    },
    serves: (destination) => routeFor(destination) !== undefined,
    routeFor(destination) {
      const route = routeFor(destination)
      const carriers = route?.steps.map(({ provider }) => ({ name: provider, cost: named(provider).cost }))
      return route && { name: route.name, carriers: carriers! }
    },
    states: () =>
      [...providers.values()].map(({ name, breaker, gate }) => ({
        name,
        isOpen: breaker.state() !== 'closed',
        inFlight: gate.inFlight,
      })),
  }
}

/** The route of messages that go to the sandbox alone. */
function sandboxRoute(channel: Channel, sandboxes: readonly string[]): Route {
  return {
    name: 'sandbox',
    channel,
    countries: null,
    tenants: null,
    apps: null,
    steps: sandboxes.map((provider) => ({ provider, weight: 1 })),
    order: 'listed',
    worth: 0,
    second: null,
  }
}

function lineOf({ gate }: GuardedProvider, ms: number): Full {
  return { kind: 'wait', isLong: gate.inLine >= longLine, capacity: () => gate.waitForCapacity(ms) }
}
