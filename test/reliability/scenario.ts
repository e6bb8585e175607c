/** A scenario: an installation, a fault in it while people use it, and its end. */

import type { Server, ServerOptions } from '../server.ts'
import type { InvariantName } from './invariants.ts'

/** The installation as a scenario handles it. */
export type Stage<Engine> = {
  readonly engine: Engine
  /** The running processes. */
  readonly servers: readonly Server[]
  /** Starts a process anew that has ended, without what the scenario had planted in it. */
  startAgain(nth: number): Promise<void>
}

/** An engine's own peers, started for one installation. */
export type OpenedEngine<Engine> = AsyncDisposable & {
  readonly engine: Engine
  /** For each process: where its store is. */
  readonly env: readonly Readonly<Record<string, string>>[]
  /** Where the processes keep their data; absent: anywhere. */
  readonly folder?: string
}

export type Scenario<Engine> = {
  /** Of the table: what failed. */
  readonly fault: string
  begin(stage: Stage<Engine>): Promise<void>
  /** When it resolves the fault is over: from here on the recovery is measured. */
  end(stage: Stage<Engine>): Promise<void>
  /** How long it lasts, ms; null: until `begin` has resolved, as where a process dies. */
  readonly lastsMs: number | null
  /** The store was away, for one process at least: calls are refused, and it is well within the promised time. */
  readonly isOutage: boolean
  /** Processes that die of it: their callers get no answer. */
  readonly dies?: readonly number[]
  /** For one process, when it is first started. */
  readonly options?: (nth: number, folder: string) => Pick<ServerOptions, 'env' | 'imports'>
  /** Promises that this engine cannot keep here, according to its documents: breaches are reported, but are no failure. */
  readonly excused?: readonly InvariantName[]
  /** Also a part of `npm test`, where each engine has its share of the time. */
  readonly isInShort?: true
  /** What the engine is opened with. */
  readonly opening?: string
  /** Of codes; absent: a minute. */
  readonly lifetimeMs?: number
  /** What it needs beside the engine's own peer, see `requirePeer`. */
  readonly peer?: readonly [name: string, path: readonly string[]]
}

/** An engine with all that shall fail in it. */
export type EngineUnderTest<Engine> = {
  readonly name: string
  /** Of a run: what it must have, see `requirePeer`. */
  readonly peer: { readonly skip?: string }
  /** Once for all scenarios; what each one is opened on. */
  prepare(): Promise<AsyncDisposable & { open(opening?: string): Promise<OpenedEngine<Engine>> }>
  readonly scenarios: readonly Scenario<Engine>[]
}
