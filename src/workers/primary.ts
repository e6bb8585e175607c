/** The primary process: starts workers that share its listeners, puts a new one where one ended, and restarts them in turn. */

import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { createMergedMetrics } from './merged-metrics.ts'
import type { ToPrimary, ToWorker } from './messages.ts'

export type PrimarySettings = {
  readonly workers: number
  /** How long a worker's end may take if the worker has not announced its own limit yet. */
  readonly stopWithinMs: number
  readonly log: Log
  /** @throws Error if the settings, as they are now, cannot work. */
  readonly checkSettings: () => void
}

/** `Started`: what a server announces when it serves. */
export type Primary<Started extends object> = {
  /**
   * Starts the workers, the first alone: it makes what the others find, such as the schema.
   * @returns The announcement of the first one; its exit code if it cannot start.
   */
  start(): Promise<Started | { readonly exitCode: number }>
  /** Restarts the workers one after the other, so that the others serve meanwhile; after the start, if that is under way. */
  restart(): Promise<void>
  /** The sum of all workers' counts, as Prometheus reads it. */
  metrics(): Promise<string>
  /** Orders all to stop, and waits until they have ended. */
  stop(): Promise<void>
}

/** The place of one worker: the number is kept when another process takes it. */
type Place = {
  readonly number: number
  worker: Worker | undefined
  /** Comes with the end of that worker. */
  gone: Promise<void>
  isReady: boolean
  /** Its end is meant. */
  isLeaving: boolean
  /** From the order to stop to its end; one that takes longer is killed. */
  stopWithinMs: number
  /** In a row, of workers that did not last. */
  failures: number
  /** Until the next one begins. */
  pause: NodeJS.Timeout | undefined
}

/** A worker that served so long has started well: failures are counted anew after it. */
const lastedMs = 10_000
const restartMs = { first: 100, most: 30_000 } as const
/** A worker that hangs must not keep a scrape from the others. */
const countWithinMs = 1_000

export function createPrimary<Started extends object>({
  workers,
  stopWithinMs,
  log,
  checkSettings,
}: PrimarySettings): Primary<Started> {
  // The workers accept from one queue of the kernel. If the primary handed connections out in turn, one on its way to a
  // worker that is killed would be neither answered nor closed, and its client would wait for ever. Turns would only give
  // even shares, and those Linux gives too (4,000 calls over four workers: 946 to 1,131 each).
  cluster.schedulingPolicy = cluster.SCHED_NONE
  // Counters without a value are NaN, which JSON cannot express.
  cluster.setupPrimary({ serialization: 'advanced' })
  const places: Place[] = Array.from({ length: workers }, (_, i) => ({
    number: i + 1,
    worker: undefined,
    gone: Promise.resolve(),
    isReady: false,
    isLeaving: false,
    stopWithinMs,
    failures: 0,
    pause: undefined,
  }))
  const metrics = createMergedMetrics(() => places)
  const awaited = new Map<number, () => void>()
  let lastId = 0
  let isStopping = false
  /** The first one has been ready. */
  let hasBegun = false
  let starting: Promise<unknown> = Promise.resolve()
  let restarting: Promise<void> | undefined
  let isRestartDue = false

  /** @returns The announcement of the worker; its exit code if it ends before. Never rejects. */
  function begin(place: Place): Promise<Started | { readonly exitCode: number }> {
    const startedAt = performance.now()
    const begun = Promise.withResolvers<Started | { readonly exitCode: number }>()
    const gone = Promise.withResolvers<void>()
    let isGone = false
    const end = (exitCode: number, reason: string) => {
      if (isGone) return
      isGone = true
      ended(place, startedAt, reason)
      begun.resolve({ exitCode })
      gone.resolve()
    }
    clearTimeout(place.pause)
    place.gone = gone.promise
    place.isLeaving = false
    place.stopWithinMs = stopWithinMs
    try {
      const worker = cluster.fork()
      place.worker = worker
      worker.on('message', (message: ToPrimary<Started>) => {
        if (message.kind === 'here') {
          send(worker, { kind: 'serve', number: place.number, count: workers })
          // The first order came before the worker listened.
          if (place.isLeaving) send(worker, { kind: 'stop' })
        } else if (message.kind === 'ready') {
          place.isReady = true
          hasBegun = true
          place.stopWithinMs = message.stopWithinMs
          begun.resolve(message.started)
        } else heard(worker, message)
      })
      // Not at its exit: its last report may still be on the way then.
      worker.once('disconnect', () => metrics.end(worker.id))
      worker.once('exit', (code, signal) => end(code || 1, signal ?? `exit code ${code}`))
      // The machine may have no room for another process at the moment: that must not end those that serve.
      worker.on('error', (error) => {
        if (worker.process.pid === undefined) end(1, reasonOf(error))
      })
    } catch (error) {
      end(1, reasonOf(error))
    }
    return begun.promise
  }

  function ended(place: Place, startedAt: number, reason: string): void {
    const wasReady = place.isReady
    place.worker = undefined
    place.isReady = false
    if (place.isLeaving || isStopping) return
    // If the first worker cannot start, it is not replaced: the server ends.
    if (!hasBegun) return
    metrics.ends.inc()
    place.failures = wasReady && performance.now() - startedAt >= lastedMs ? 0 : place.failures + 1
    const afterMs = Math.min(restartMs.most, restartMs.first * 2 ** Math.max(0, place.failures - 1))
    log.error(`a worker ended; another one takes its place in ${afterMs} ms`, {
      worker: place.number,
      reason,
    })
    place.pause = setTimeout(() => void begin(place), afterMs)
  }

  function heard(worker: Worker, message: Exclude<ToPrimary, { kind: 'here' | 'ready' }>): void {
    switch (message.kind) {
      case 'counted':
        metrics.tell(worker.id, message.metrics)
        awaited.get(message.id)?.()
        return
      case 'metrics':
        void readMetrics().then(
          (text) => send(worker, { kind: 'merged', id: message.id, text }),
          (error) => {
            log.error('the counts of the workers cannot be merged', { reason: reasonOf(error) })
            send(worker, { kind: 'merged', id: message.id, text: null })
          },
        )
        return
      case 'inbox':
        for (const other of present()) if (other !== worker) send(other, message)
    }
  }

  async function readMetrics(): Promise<string> {
    await Promise.all(
      present().map(async (worker) => {
        const id = ++lastId
        const counted = new Promise<void>((resolve) => awaited.set(id, resolve))
        send(worker, { kind: 'count', id })
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
    clearTimeout(place.pause)
    const { worker } = place
    if (!worker) return
    const wasOrdered = place.isLeaving
    place.isLeaving = true
    if (!wasOrdered) {
      send(worker, { kind: 'stop' })
      const late = setTimeout(() => {
        log.error('a worker did not stop in time and is killed', { worker: place.number })
        worker.process.kill('SIGKILL')
      }, place.stopWithinMs)
      void place.gone.then(() => clearTimeout(late))
    }
    await place.gone
  }

  async function restartInTurn(): Promise<void> {
    try {
      checkSettings()
    } catch (error) {
      log.error('no worker is restarted', { reason: reasonOf(error) })
      return
    }
    log.info('restarting the workers one after the other')
    // Workers that do not serve are restarted first. If the new settings are wrong, or the machine has no memory, none of
    // the serving workers is given up for it.
    for (const place of places.toSorted((a, b) => Number(a.isReady) - Number(b.isReady))) {
      // A worker ends before the next one begins, so that binds and messages a second never exceed the settings.
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
    start() {
      const [first, ...others] = places
      const begun = begin(first!).then(async (begun) => {
        if ('exitCode' in begun) isStopping = true
        else if (!isStopping) await Promise.all(others.map(begin))
        return begun
      })
      starting = begun
      return begun
    },
    metrics: readMetrics,
    async restart() {
      isRestartDue = true
      restarting ??= (async () => {
        // A place that has no worker yet would get two.
        await starting
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

/** Sends a message. If the worker has just ended, it is lost, which is no fault. */
function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined)
}
