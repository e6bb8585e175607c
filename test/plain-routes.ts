/** Routes for tests of delivery that are not about routes. */

import type { Route } from '../src/delivery/routes.ts'
import { type Channel, channels } from '../src/message/channel.ts'

/** One route for each channel, with the providers that serve it in the order given. */
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
