/** The embedded engine as a Store: gathers the calls of a turn and sends them to the engine's thread. */

import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { AppError, type AppErrorCode } from '../../errors.ts'
import { trackCalls } from '../calls.ts'
import type { Directory } from '../directory.ts'
import type { Dispatches } from '../dispatches.ts'
import type { EngineOptions } from '../engine-options.ts'
import { type Erasures, eraseAll } from '../erasure.ts'
import type { Store } from '../store.ts'
import { inPieces } from '../sweep.ts'
import type { Received } from '../verbs/receive.ts'
import type { Verifications } from '../verifications.ts'
import { callWriter, issueResultOf, type ShortCall, withEntryOf } from './calls.ts'
import { createCheckpoints } from './checkpoints.ts'
import { monotonicMs } from './engine-clock.ts'
import { createSearches } from './searches.ts'
import type { Answer, Ready, WorkerData } from './worker.ts'

type SqliteSettings = EngineOptions & {
  /** The database file; its folder must exist. */
  readonly path: string
}

/** So many calls are sent before the turn ends, so that the engine begins while the turn goes on. */
const fullBatch = 32
/** Between two pieces of an erasure, so that calls are served. */
const erasePauseMs = 5
/** The longest wait for an empty log, e.g. during a backup. The log is emptied all the same, when that has ended. */
const truncateMs = 20_000

/**
 * Opens the embedded engine, bringing its schema up to date.
 * @throws AppError `store.schema-newer`, `store.schema-older`, `store.moved`, `store.unavailable`.
 */
export async function openSqliteStore(settings: SqliteSettings): Promise<Store> {
  const { path, onFailed, migrates = true, onMigrated } = settings
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

  const checkpoints = createCheckpoints(path)

  const underWay = trackCalls(settings)
  const writer = callWriter()
  let gathered: ShortCall[] = []

  function settle({ id, value, error }: Answer): void {
    if (error === undefined) underWay.settle(id, value)
    else underWay.fail(id, new AppError('store.unavailable', error))
  }

  worker.on('message', (text: string) => {
    for (const answer of JSON.parse(text) as readonly Answer[]) settle(answer)
  })
  const searches = createSearches(path, settle)
  let isEnded = false
  let isClosing = false
  const end = (reason: string) => {
    if (!isEnded && !isClosing) onFailed?.(reason)
    isEnded = true
    underWay.refuse(reason)
  }
  worker.on('error', (error) => end(`the engine's thread failed: ${error}`))
  worker.on('exit', () => end('the store is closed'))

  /** From this thread's clock to the one that all threads share. */
  const monotonicOffsetMs = monotonicMs() - performance.now()

  function flush(): void {
    if (gathered.length === 0) return // sent when it was full, or with the close
    const calls = gathered
    gathered = []
    worker.postMessage(writer.textOf(calls))
    checkpoints.noteBatch()
  }

  function call<T>(verb: string, args: readonly unknown[]): Promise<T> {
    return underWay.begin<T>(verb, (id, until) => {
      if (gathered.length === 0) setImmediate(flush)
      // Whole, as that is quicker to write: a deadline may come a moment early, but not late.
      gathered.push(writer.prepared({ id, verb, args, until: Math.floor(until + monotonicOffsetMs) }))
      if (gathered.length >= fullBatch) flush()
    })
  }

  /** A part of the contract, each verb forwarded by its name. */
  function part<T extends object>(name: string, verbs: readonly (keyof T & string)[]): T {
    return Object.fromEntries(
      verbs.map((verb) => [verb, (...args: readonly unknown[]) => call(`${name}.${verb}`, args)]),
    ) as T
  }

  return {
    reservesOnTheWay: false,
    verifications: {
      ...part<Verifications>('verifications', [
        'takeSubmission',
        'use',
        'cancel',
        'hasten',
        'get',
        'find',
        'list',
        'countLive',
        'look',
      ]),
      async issue(request) {
        return issueResultOf(request, await call('verifications.issue', [request]))
      },
      async resend(request) {
        return withEntryOf(request, await call('verifications.resend', [request]))
      },
      async solve(request) {
        return withEntryOf(request, await call('verifications.solve', [request]))
      },
    },
    outbox: part('outbox', ['queue', 'claim', 'settle', 'begin', 'postpone', 'release', 'depth']),
    dispatches: {
      ...part<Dispatches>('dispatches', ['of', 'tally']),
      async receive(receipts) {
        return ((await call('dispatches.receive', [receipts])) as Received).results
      },
    },
    limiters: part('limiters', ['acquire', 'refund', 'reserve', 'settle', 'isHeld']),
    journal: part('journal', ['append', 'read', 'ofAddress']),
    audit: part('audit', ['append', 'read', 'head']),
    consumptions: part('consumptions', ['consume', 'consumer']),
    events: part('events', ['setReaders', 'append', 'read', 'find', 'heads']),
    webhooks: part('webhooks', [
      'add',
      'get',
      'list',
      'change',
      'remove',
      'readers',
      'claim',
      'settle',
      'release',
      'deliveries',
      'replay',
    ]),
    directory: {
      ...part<Omit<Directory, 'searchMembers'>>('directory', [
        'addTenant',
        'tenants',
        'tenant',
        'addApp',
        'app',
        'apps',
        'updateApp',
        'deleteApp',
        'putMembers',
        'addMember',
        'updateMember',
        'deleteMembers',
        'setStatuses',
        'setRoles',
        'setPassword',
        'addDepartment',
        'updateDepartment',
        'deleteDepartment',
        'updateTenant',
        'departments',
        'departmentsBelow',
        'allDepartments',
        'memberByUserId',
        'memberByAddress',
        'membersNamed',
        'member',
        'memberByAccount',
        'memberByLogin',
        'membersWithPassword',
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
        'undoable',
        'undoContact',
        'startRecovery',
        'stopRecovery',
        'contactHistory',
        'cancelRecovery',
        'dueRecoveries',
        'applyRecovery',
      ]),
      searchMembers: (query) =>
        underWay.begin('directory.searchMembers', (id, until) =>
          searches.begin({ id, query, until: until + monotonicOffsetMs }),
        ),
    },
    keys: part('keys', ['add', 'list', 'holder', 'revoke', 'noteUse']),
    now: () => call('now', []),
    proveWrite: () => call('proveWrite', []),
    erasures: {
      ...part<Omit<Erasures, 'erase'>>('erasures', ['claim', 'renew', 'areLeft']),
      erase: (people) =>
        eraseAll(
          (place) => call('erasures.erase', [people, place]),
          () => pause(erasePauseMs),
          // Pages as they were before are in the log.
          () => Promise.race([checkpoints.truncate(), pause(truncateMs, undefined, { ref: false })]),
        ),
    },
    sweep: inPieces((retentionMs) => call('sweep', [retentionMs])),
    async [Symbol.asyncDispose]() {
      isClosing = true
      await checkpoints[Symbol.asyncDispose]()
      if (!isEnded) await underWay.drain()
      await searches[Symbol.asyncDispose]()
      if (isEnded) return
      const closed = new Promise((resolve) => worker.once('exit', resolve))
      worker.postMessage('close')
      await closed
    },
  }
}
