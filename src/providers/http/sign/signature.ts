/** The common form of all ways of signing. */

import type { Values } from '../../../liquid.ts'
import type { Outgoing } from '../outgoing.ts'

/** A parameter of the block's `sign`, rendered; empty if it was left out. */
export type Parameter = (name: string, more?: Values) => string

/** @returns Headers to add, names in lower case. */
export type Signer = (
  request: Outgoing,
  parameter: Parameter,
  nowMs: number,
) => Readonly<Record<string, string>>
