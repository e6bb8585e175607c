/** The parameters of the calls on apps, in snake case as the reference has them. */

import { type Static, Type } from '../../json-schema.ts'
import { optional, text } from './parameters.ts'

const name = text(1, 64)
const description = text(0, 255)

export const newAppBody = Type.Object({ app_name: name, description: optional(description) })

export const changedAppBody = Type.Object({
  app_name: optional(name),
  description: optional(description),
  status: optional(Type.Integer({ minimum: 0, maximum: 1 })),
})

export type NewAppBody = Static<typeof newAppBody>
export type ChangedAppBody = Static<typeof changedAppBody>
