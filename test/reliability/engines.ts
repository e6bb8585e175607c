/** Every engine whose faults the product is held against. */

import { postgresUnderTest } from './postgres-scenarios.ts'
import { redisClusterUnderTest, redisUnderTest } from './redis-scenarios.ts'
import type { EngineUnderTest } from './scenario.ts'
import { sqliteUnderTest } from './sqlite-scenarios.ts'

/** An engine's scenarios agree with what it opens; which type that is concerns nobody outside. */
export const enginesUnderTest = [
  postgresUnderTest,
  sqliteUnderTest,
  redisUnderTest,
  redisClusterUnderTest,
] as unknown as readonly EngineUnderTest<unknown>[]
