/** A worker’s side: it gets its number from the primary process, serves its share and reports its counts. */

import cluster from 'node:cluster'
import type { Registry } from 'prom-client'
import type { Inbox } from '../providers/sandbox/inbox.ts'
import type { Snapshot } from './merged-metrics.ts'
import type { ToPrimary, ToWorker } from './messages.ts'

/** One of several processes that serve the same listeners from one data folder. */
export type Worker = {
  /** From 1; no two that run at once have the same. */
  readonly number: number
  /** The sum of all workers' counts, as Prometheus reads it. */
  metrics(): Promise<string>
  /** Puts what arrives in the inbox of any of them into that of each. */
  shareInbox(inbox: Inbox): void
}

export type WorkerLink = Worker & {
  readonly count: number
  /** Announces that this worker serves, and reports the counts of `registry` from now on. */
  ready(started: unknown, registry: () => Registry, stopWithinMs: number): void
  /** Resolves when the primary process orders the end. */
  readonly stopOrdered: Promise<void>
  /** Reports the last counts, and leaves. */
  close(): Promise<void>
}

export async function linkToPrimary(): Promise<WorkerLink> {
  const primary = cluster.worker!
  const send = (message: ToPrimary) => new Promise<void>((resolve) => primary.send(message, () => resolve()))
  const asked = new Map<number, (text: string | null) => void>()
  let lastId = 0
  let counted: (() => Registry) | undefined
  let shared: Inbox | undefined
  let isRelaying = false
  const serveOrdered = Promise.withResolvers<{ readonly number: number; readonly count: number }>()
  const stopOrdered = Promise.withResolvers<void>()

  const reportCounts = async (id: number) =>
    send({ kind: 'counted', id, metrics: counted ? await snapshotOf(counted()) : [] })

  primary.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'serve':
        return serveOrdered.resolve(message)
      case 'stop':
        return stopOrdered.resolve()
      case 'count':
        return void reportCounts(message.id)
      case 'merged':
        asked.get(message.id)?.(message.text)
        return void asked.delete(message.id)
      case 'inbox':
        // `add` calls the subscriber below, which must not send this message back.
        isRelaying = true
        shared?.add(message.message)
        isRelaying = false
    }
  })

  void send({ kind: 'here' })
  const { number, count } = await serveOrdered.promise
  return {
    number,
    count,
    metrics: () =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        asked.set(id, (text) =>
          text === null ? reject(new Error('the counts of the workers cannot be merged')) : resolve(text),
        )
        void send({ kind: 'metrics', id })
      }),
    shareInbox(inbox) {
      shared = inbox
      inbox.subscribe((message) => {
        if (!isRelaying) void send({ kind: 'inbox', message })
      })
    },
    ready(started, registry, stopWithinMs) {
      counted = registry
      void send({ kind: 'ready', started, stopWithinMs })
    },
    stopOrdered: stopOrdered.promise,
    async close() {
      await reportCounts(0)
      primary.disconnect()
    },
  }
}

async function snapshotOf(registry: Registry): Promise<Snapshot> {
  return (await registry.getMetricsAsJSON()) as unknown as Snapshot
}
