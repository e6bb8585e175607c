/** The routes section of the settings: which carriers take which messages. */

import { type Route, type RouteStep, routeOrders } from '../delivery/routes.ts'
import { type Schema, type Static, Type } from '../json-schema.ts'
import { type Channel, channels } from '../message/channel.ts'
import { parseDuration } from './duration.ts'
import { durationPattern, optional, strict } from './policy-schema.ts'
import { covers, planProblems, type RoutePlan, routeProblems } from './route-problems.ts'

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
            'listed: in the order of the list. weighted: by lot, with the chances of the weights. measured: by the share of used codes and by cost, as learned.',
          default: 'listed',
        },
      ),
    ),
    worth: optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: 'Worth of a used code, in the unit of the carriers’ cost; for the order measured.',
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
            description: 'How long to wait for a receipt that says delivered.',
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
    whatsapp: section('Routes of WhatsApp, likewise; the text is that of an SMS.'),
  } satisfies Record<Channel, Schema>,
  strict,
)

type RouteFile = Static<typeof routeSchema>
export type RoutesFile = { readonly [C in Channel]?: readonly (string | RouteFile)[] }

/** @param problems  Gets a sentence for each thing that cannot work, with its remedy. */
export function routesOf(stated: RoutesFile, plan: RoutePlan, problems: string[]): readonly Route[] {
  const routes = channels.flatMap((channel) => routesOfChannel(channel, stated[channel], plan, problems))
  problems.push(...planProblems(routes, plan))
  return routes
}

function routesOfChannel(
  channel: Channel,
  stated: RoutesFile[Channel],
  plan: RoutePlan,
  problems: string[],
): Route[] {
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
