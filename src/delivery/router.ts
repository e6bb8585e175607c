/** Puts a message to a provider: by the route of its destination, and by how the route's providers are doing. */

import { type Channel, channels } from '../message/channel.ts'
import type { Destination } from '../message/destination.ts'
import type { DispatchOutcome } from '../message/dispatch.ts'
import type { ProviderState } from '../metrics.ts'
import { type BreakerChange, createCircuitBreaker, type Entered } from './circuit-breaker.ts'
import { createGate } from './gate.ts'
import type { MeasuredOrder } from './measured-order.ts'
import type { Provider } from './provider.ts'
import { type Route, type RouteStep, routeOf } from './routes.ts'

/** A provider with what the settings say of it, whatever its type. */
export type RoutedProvider = {
  readonly provider: Provider
  readonly perSecond: number | null
  readonly window: number
  /** Of one hand-over; null: by the route. */
  readonly timeoutMs: number | null
  readonly cost: number
  /** Whether a message that was being handed over when its process died goes once more. */
  readonly afterCrash: 'again' | 'unknown'
  readonly senders: readonly {
    readonly sender: string
    readonly countries: readonly string[] | null
    readonly apps: readonly string[] | null
  }[]
}

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
  /** It must be marked as being handed over before it is. */
  readonly isMarked: boolean
  /** Another provider of the route was not tried yet and is well: no need to wait before it is. */
  readonly hasNext: boolean
  /** The channel that follows if no receipt says delivered in time. */
  readonly second: Route['second']
  /**
   * To be called once, when the hand-over has ended.
   * @param retryAfterMs  What the provider asked for; meanwhile others take its messages.
   */
  leave(outcome: DispatchOutcome, retryAfterMs?: number): void
}

/** Every provider that could take it has as much as it may have. `room` resolves when it is worth asking again. */
export type Full = {
  readonly kind: 'wait'
  /** Many wait for it already. */
  readonly isLong: boolean
  room(): Promise<void>
}

export type Router = {
  /** @param tried  Providers the message was dispatched to so far, oldest first. */
  next(destination: Destination, tried: readonly string[]): Chosen | Full | { readonly kind: 'none' }
  /** Whether any route takes it. */
  serves(destination: Destination): boolean
  states(): readonly ProviderState[]
}

/** With another provider to turn to, a slow one is not waited for: it has taken what a person can spare. */
const timeoutMs = { withNext: 2_500, last: 10_000 } as const
/** Longest time between two looks for room. */
const lookForRoomMs = 250
/** As many as most windows have room for. */
const longLine = 256
/**
 * While every provider of a route fails, each gets so many messages a second. Each would find out that it is well
 * again, and then all may go. Without a bound each living code asked every other second: of three thousand, more
 * than a thousand calls a second for a server that is trying to come back.
 */
const lastResortPerSecond = 20

export function createRouter(settings: RouterSettings): Router {
  const { routes, measured, now = () => performance.now(), random = Math.random } = settings
  const posts = new Map(
    [...settings.providers].map(([name, one]) => [
      name,
      {
        ...one,
        name,
        breaker: createCircuitBreaker(now, random, (change) => settings.onBreaker?.(name, change)),
        gate: createGate(one, now),
        lastResort: createGate({ perSecond: lastResortPerSecond, window: Number.POSITIVE_INFINITY }, now),
      },
    ]),
  )
  type Post = NonNullable<ReturnType<typeof posts.get>>

  /** The route's providers in the order to try them, those already tried last and longest ago first. */
  function candidates(route: Route, region: string, tried: readonly string[]): Post[] {
    const [only, ...others] = route.steps
    if (others.length === 0) return [posts.get(only!.provider)!]
    const names = orderOf(route, region)
    const rank = (name: string) => tried.lastIndexOf(name)
    return names.sort((a, b) => rank(a) - rank(b)).map((name) => posts.get(name)!)
  }

  function orderOf({ order, steps, worth }: Route, region: string): string[] {
    switch (order) {
      case 'listed':
        return steps.map((one) => one.provider)
      case 'weighted':
        return byLot(steps, random)
      case 'measured':
        return [
          ...measured.order(
            steps.map(({ provider }) => ({ provider, cost: posts.get(provider)!.cost })),
            region,
            worth,
          ),
        ]
    }
  }

  function chosen(
    post: Post,
    entered: Entered,
    route: Route,
    destination: Destination,
    tried: readonly string[],
  ): Chosen {
    const hasNext = route.steps.some(({ provider }) => {
      if (provider === post.name || tried.includes(provider)) return false
      const { breaker, gate } = posts.get(provider)!
      return breaker.state() === 'closed' && !gate.isPaused
    })
    post.gate.enter()
    return {
      kind: 'provider',
      provider: post.provider,
      timeoutMs: post.timeoutMs ?? (hasNext ? timeoutMs.withNext : timeoutMs.last),
      sender: senderFor(post.senders, destination),
      isMarked: post.afterCrash === 'unknown',
      hasNext,
      second: route.second,
      leave(outcome, retryAfterMs) {
        if (retryAfterMs !== undefined) post.gate.pause(retryAfterMs)
        post.gate.leave()
        entered.leave(outcome)
      },
    }
  }

  function lineOf({ gate }: Post, ms: number): Full {
    return { kind: 'wait', isLong: gate.inLine >= longLine, room: () => gate.room(ms) }
  }

  return {
    next(destination, tried) {
      const route = routeOf(routes, destination)
      if (!route) return { kind: 'none' }
      const inOrder = candidates(route, destination.region, tried)
      let full: Post | undefined
      let waitMs = lookForRoomMs
      for (const post of inOrder) {
        const roomInMs = post.gate.roomInMs()
        const entered = roomInMs === 0 ? post.breaker.enter() : undefined
        if (entered) return chosen(post, entered, route, destination, tried)
        if (roomInMs === 0 || post.breaker.state() !== 'closed') continue
        full ??= post
        waitMs = Math.min(waitMs, roomInMs ?? lookForRoomMs)
      }
      if (full) return lineOf(full, waitMs)
      // All fail. A message that is about to be lost has nothing to lose by a try; by turns, for its next one may be
      // well again long before its breaker would let a probe through.
      const turn = ({ name }: Post) => tried.lastIndexOf(name)
      const byTurns = inOrder.toSorted(
        (a, b) => turn(a) - turn(b) || a.breaker.opensUntil() - b.breaker.opensUntil(),
      )
      const [soonest] = byTurns
      const roomy = byTurns.find(
        ({ gate, lastResort }) => gate.roomInMs() === 0 && lastResort.roomInMs() === 0,
      )
      if (!roomy) return lineOf(soonest!, lookForRoomMs)
      roomy.lastResort.enter()
      return chosen(roomy, roomy.breaker.enterAnyway(), route, destination, tried)
    },
    serves: (destination) => routeOf(routes, destination) !== undefined,
    states: () =>
      [...posts.values()].map(({ name, breaker, gate }) => ({
        name,
        isOpen: breaker.state() !== 'closed',
        inFlight: gate.inFlight,
      })),
  }
}

/** All steps in an order drawn by lot: each next one by its weight among those left. */
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

/** The first rule that fits; none: the carrier's own choice. */
export function senderFor(
  rules: RoutedProvider['senders'],
  { region, app }: Pick<Destination, 'region' | 'app'>,
): string | null {
  const rule = rules.find(
    ({ countries, apps }) =>
      (countries === null || countries.includes(region)) && (apps === null || apps.includes(app)),
  )
  return rule?.sender ?? null
}

/** One route for each channel, with the providers that serve it in the order given; for small set-ups and tests. */
export function plainRoutes(
  providers: readonly { readonly name: string; readonly channels: readonly Channel[] }[],
): readonly Route[] {
  return channels.flatMap((channel): Route[] => {
    const steps = providers
      .filter((one) => one.channels.includes(channel))
      .map(({ name }) => ({ provider: name, weight: 1 }))
    if (steps.length === 0) return []
    const everything = { countries: null, tenants: null, apps: null }
    return [
      { name: `routes.${channel}`, channel, ...everything, steps, order: 'listed', worth: 1, second: null },
    ]
  })
}
