/** The embedded engine as a Store: gathers the calls of a turn and sends them to the engine's thread. */

import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { dueBy } from '../../deadline.ts'
import { AppError, type AppErrorCode } from '../../errors.ts'
import { mostPending } from '../bounds.ts'
import type { SchemaOptions } from '../schema.ts'
import type { Store } from '../store.ts'
import type { Verifications } from '../verifications.ts'
import { type Call, callWriter, issueResultOf } from './calls.ts'
import { monotonicMs } from './engine-clock.ts'
import type { Answer, Ready, WorkerData } from './worker.ts'

export type SqliteSettings = SchemaOptions & {
  /** The database file; its folder must exist. */
  readonly path: string
  /** After so long a call is refused with `store.unavailable`. Default 800. */
  readonly deadlineMs?: number
  /** Told of each call that was answered: its verb and the ms from call to durable answer. */
  readonly onAnswered?: (verb: string, tookMs: number) => void
  /** The engine's thread ended by itself: nothing works from now on. */
  readonly onFailed?: (reason: string) => void
}

/** So many calls go off before the turn ends: the engine works on them while the turn goes on. */
const fullBatch = 32
const checkDeadlinesMs = 50
/** Between two pieces of cleaning that are due at once. */
const sweepPauseMs = 20

type Pending = {
  resolve(value: never): void
  reject(error: AppError): void
  readonly verb: string
  readonly startedAt: number
  readonly until: number
}

/**
 * Opens the embedded engine, bringing its schema up to date.
 * @throws AppError `store.schema-newer`, `store.schema-older`, `store.moved`, `store.unavailable`.
 */
export async function openSqliteStore(settings: SqliteSettings): Promise<Store> {
  const { path, deadlineMs = 800, onAnswered, onFailed, migrates = true, onMigrated } = settings
  const workerData: WorkerData = { path, migrates }
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
  const ready = await new Promise<Ready>((resolve) => {
    worker.once('message', resolve)
    worker.once('error', (error) => resolve({ failed: String(error), code: undefined }))
  })
  if ('failed' in ready) {
    await worker.terminate()
    throw new AppError(
      (ready.code as AppErrorCode | undefined) ?? 'store.unavailable',
      `${path}: ${ready.failed}`,
    )
  }
  if (ready.migrated) onMigrated?.(...ready.migrated)

  const checkpointer = new Worker(new URL('./checkpointer.ts', import.meta.url), { workerData: { path } })
  checkpointer.on('error', () => undefined) // the engine then moves its log itself
  checkpointer.unref()
  const checkpointerEnded = new Promise((resolve) => checkpointer.once('exit', resolve))

  const pending = new Map<number, Pending>()
  const writer = callWriter()
  let gathered: Call[] = []
  let lastId = 0
  let failure: string | undefined

  worker.on('message', (text: string) => {
    const time = monotonicMs()
    for (const { id, value, error } of JSON.parse(text) as readonly Answer[]) {
      const call = pending.get(id)
      if (!call) continue // answered by the deadline
      pending.delete(id)
      onAnswered?.(call.verb, time - call.startedAt)
      if (error === undefined) call.resolve(value as never)
      else call.reject(new AppError('store.unavailable', error))
    }
  })
  let isClosing = false
  const fail = (reason: string) => {
    if (failure === undefined && !isClosing) onFailed?.(reason)
    failure ??= reason
    for (const call of pending.values()) call.reject(new AppError('store.unavailable', reason))
    pending.clear()
  }
  worker.on('error', (error) => fail(`the engine's thread failed: ${error}`))
  worker.on('exit', () => fail('the store is closed'))

  // One timer serves all.
  const deadlines = setInterval(() => {
    const time = monotonicMs()
    for (const [id, call] of pending) {
      if (call.until > time) continue
      pending.delete(id)
      call.reject(new AppError('store.unavailable', `no answer within ${deadlineMs} ms`))
    }
  }, checkDeadlinesMs)
  deadlines.unref()

  function flush(): void {
    if (gathered.length === 0) return // went off full, or with the close
    const calls = gathered
    gathered = []
    worker.postMessage(writer.textOf(calls))
  }

  function call(verb: string, args: readonly unknown[]): Promise<never> {
    return new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(new AppError('store.unavailable', failure))
      if (pending.size >= mostPending)
        return reject(new AppError('store.unavailable', 'too many calls under way'))
      const id = ++lastId
      const startedAt = monotonicMs()
      const now = performance.now()
      const until = startedAt + dueBy(now + deadlineMs) - now
      pending.set(id, { resolve, reject, verb, startedAt, until })
      if (gathered.length === 0) setImmediate(flush)
      gathered.push(writer.prepared({ id, verb, args, until }))
      if (gathered.length >= fullBatch) flush()
    })
  }

  let sweeping: Promise<void> | undefined
  async function sweepAll(retentionMs: number): Promise<void> {
    while (await call('sweep', [retentionMs])) await pause(sweepPauseMs, undefined, { ref: false })
  }

  /** A room of the contract, each verb forwarded by its name. */
  function room<T extends object>(name: string, verbs: readonly (keyof T & string)[]): T {
    return Object.fromEntries(
      verbs.map((verb) => [verb, (...args: readonly unknown[]) => call(`${name}.${verb}`, args)]),
    ) as T
  }

  return {
    reservesOnTheWay: false,
    verifications: {
      ...room<Verifications>('verifications', ['takeSubmission', 'use', 'get', 'find', 'countLive']),
      async issue(request) {
        return issueResultOf(request, await call('verifications.issue', [request]))
      },
    },
    outbox: room('outbox', ['queue', 'claim', 'settle', 'begin', 'postpone', 'release', 'depth']),
    dispatches: room('dispatches', ['receive', 'of', 'tally']),
    limiters: room('limiters', ['acquire', 'refund', 'reserve', 'settle', 'isHeld']),
    journal: room('journal', ['append', 'read', 'ofAddress']),
    directory: room('directory', [
      'addTenant',
      'tenants',
      'tenant',
      'addApp',
      'app',
      'apps',
      'updateApp',
      'putMembers',
      'member',
      'memberByAccount',
      'memberByLogin',
      'defaultAdministrator',
      'members',
      'updateProfile',
      'disableMember',
      'logIn',
      'refresh',
      'logOut',
      'endLoginsOf',
      'session',
      'changeContact',
      'setContact',
    ]),
    now: () => call('now', []),
    proveWrite: () => call('proveWrite', []),
    sweep(retentionMs) {
      sweeping ??= sweepAll(retentionMs).finally(() => {
        sweeping = undefined
      })
      return sweeping
    },
    async [Symbol.asyncDispose]() {
      clearInterval(deadlines)
      isClosing = true
      checkpointer.ref()
      checkpointer.postMessage('close')
      await checkpointerEnded
      if (failure !== undefined) return
      flush()
      const closed = new Promise((resolve) => worker.once('exit', resolve))
      worker.postMessage('close')
      await closed
    },
  }
}
