/** The primary process: starts workers that share its listeners, puts a new one where one ended, and restarts them in turn. */

import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { createMergedMetrics } from './merged-metrics.ts'
import type { Started } from './serve.ts'
import type { ToPrimary, ToWorker } from './worker.ts'

export type PrimarySettings = {
  readonly workers: number
  /** A worker that was told to stop and has not ended by then is killed. */
  readonly stopWithinMs: number
  readonly log: Log
  /** @throws Error if the settings, as they are now, cannot work. */
  readonly checkSettings: () => void
}

export type Primary = {
  /**
   * Starts the workers, the first alone: it makes what the others find, such as the schema.
   * @returns What the first one tells of itself; its exit code if it cannot start.
   */
  start(): Promise<Started | { readonly exitCode: number }>
  /** Restarts the workers one after the other, so that the others serve meanwhile. */
  restart(): Promise<void>
  /** Tells all to stop, and waits until they have ended. */
  stop(): Promise<void>
}

/** The place of one worker: the number is kept when another process takes it. */
type Place = {
  readonly number: number
  worker: Worker | undefined
  isReady: boolean
  /** Its end is meant. */
  isLeaving: boolean
  /** In a row, of workers that did not last. */
  failures: number
}

/** One that served so long has started well: the next end is a new story. */
const lastedMs = 10_000
const restartMs = { first: 100, most: 30_000 } as const
/** A worker that hangs must not keep a scrape from the others. */
const countWithinMs = 1_000

export function createPrimary({ workers, stopWithinMs, log, checkSettings }: PrimarySettings): Primary {
  // The workers accept from one queue of the kernel. Handed out by the primary, in turn, a connection on its
  // way to a worker that is killed would be neither answered nor closed: its client waited for ever. What was
  // to be had by turns, even shares, Linux gives as well (4,000 calls over four: 946 to 1,131 each).
  cluster.schedulingPolicy = cluster.SCHED_NONE
  // Counters that have no value are NaN, which JSON cannot say.
  cluster.setupPrimary({ serialization: 'advanced' })
  const places: Place[] = Array.from({ length: workers }, (_, i) => ({
    number: i + 1,
    worker: undefined,
    isReady: false,
    isLeaving: false,
    failures: 0,
  }))
  const metrics = createMergedMetrics(() => places)
  const awaited = new Map<number, () => void>()
  let lastId = 0
  let isStopping = false
  let restarting: Promise<void> | undefined
  let isRestartDue = false

  /** @returns What the worker tells when it is ready; its exit code if it ends before. */
  function begin(place: Place): Promise<Started | { readonly exitCode: number }> {
    const worker = cluster.fork()
    const startedAt = performance.now()
    place.worker = worker
    place.isLeaving = false
    return new Promise((resolve) => {
      worker.on('message', (message: ToPrimary) => {
        if (message.kind === 'here') {
          say(worker, { kind: 'serve', number: place.number, count: workers })
          // Said once before, to deaf ears.
          if (place.isLeaving) say(worker, { kind: 'stop' })
        } else if (message.kind === 'ready') {
          place.isReady = true
          resolve(message.started)
        } else heard(worker, message)
      })
      // Not at its exit: what it told last may still be on its way then.
      worker.once('disconnect', () => metrics.end(worker.id))
      worker.once('exit', (code, signal) => {
        resolve({ exitCode: code || 1 })
        ended(place, startedAt, signal ?? `exit code ${code}`)
      })
    })
  }

  function ended(place: Place, startedAt: number, reason: string): void {
    const wasReady = place.isReady
    place.worker = undefined
    place.isReady = false
    if (place.isLeaving || isStopping) return
    metrics.ends.inc()
    place.failures = wasReady && performance.now() - startedAt >= lastedMs ? 0 : place.failures + 1
    const afterMs = Math.min(restartMs.most, restartMs.first * 2 ** Math.max(0, place.failures - 1))
    log.error(`a worker ended; another one takes its place in ${afterMs} ms`, {
      worker: place.number,
      reason,
    })
    setTimeout(() => {
      // A restart in turn may have come first.
      if (!isStopping && place.worker === undefined) void begin(place)
    }, afterMs)
  }

  function heard(worker: Worker, message: Exclude<ToPrimary, { kind: 'here' | 'ready' }>): void {
    switch (message.kind) {
      case 'counted':
        metrics.tell(worker.id, message.metrics)
        awaited.get(message.id)?.()
        return
      case 'metrics':
        void readMetrics().then((text) => say(worker, { kind: 'merged', id: message.id, text }))
        return
      case 'inbox':
        for (const other of present()) if (other !== worker) say(other, message)
    }
  }

  async function readMetrics(): Promise<string> {
    await Promise.all(
      present().map(async (worker) => {
        const id = ++lastId
        const counted = new Promise<void>((resolve) => awaited.set(id, resolve))
        say(worker, { kind: 'count', id })
        await Promise.race([counted, sleep(countWithinMs, undefined, { ref: false })])
        awaited.delete(id)
      }),
    )
    return metrics.read()
  }

  function present(): Worker[] {
    return places.flatMap(({ worker }) => worker ?? [])
  }

  async function end(place: Place): Promise<void> {
    const { worker } = place
    if (!worker) return
    place.isLeaving = true
    const exit = once(worker, 'exit')
    say(worker, { kind: 'stop' })
    const late = setTimeout(() => {
      log.error('a worker did not stop in time and is killed', { worker: place.number })
      worker.process.kill('SIGKILL')
    }, stopWithinMs)
    await exit
    clearTimeout(late)
  }

  async function restartInTurn(): Promise<void> {
    try {
      checkSettings()
    } catch (error) {
      log.error('no worker is restarted', { reason: error instanceof Error ? error.message : String(error) })
      return
    }
    log.info('restarting the workers one after the other')
    for (const place of places) {
      // Ended before the next begins: so never more binds or messages a second than the settings say.
      await end(place)
      if (isStopping) return
      const begun = await begin(place)
      if ('exitCode' in begun) {
        log.error('the other workers are not restarted, for this one could not start', {
          worker: place.number,
        })
        return
      }
    }
    log.info('the workers are restarted', { count: workers })
  }

  return {
    async start() {
      const [first, ...others] = places
      const begun = await begin(first!)
      if ('exitCode' in begun) {
        isStopping = true
        return begun
      }
      if (!isStopping) await Promise.all(others.map(begin))
      return begun
    },
    async restart() {
      isRestartDue = true
      restarting ??= (async () => {
        while (isRestartDue && !isStopping) {
          isRestartDue = false
          await restartInTurn()
        }
        restarting = undefined
      })()
      return restarting
    },
    async stop() {
      isStopping = true
      await Promise.all(places.map(end))
    },
  }
}

/** One that has just ended hears nothing, which is no fault. */
function say(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined)
}
