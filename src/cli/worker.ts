/** A worker’s side: told its number by the primary process, it serves its share and tells what it counts. */

import cluster from 'node:cluster'
import type { Registry } from 'prom-client'
import type { Worker } from '../app.ts'
import type { Snapshot } from './merged-metrics.ts'
import type { Started } from './started.ts'

/** What the primary process says to a worker. */
export type ToWorker =
  /** The answer to `here`. */
  | { readonly kind: 'serve'; readonly number: number; readonly count: number }
  | { readonly kind: 'stop' }
  /** Answered with `counted`. */
  | { readonly kind: 'count'; readonly id: number }
  /** The answer to `metrics`; null: the primary process says why in its log. */
  | { readonly kind: 'merged'; readonly id: number; readonly text: string | null }
  /** A message that arrived in another worker’s inbox. */
  | { readonly kind: 'inbox'; readonly message: InboxMessage }

export type ToPrimary =
  /** It hears from now on; what was said before is lost. */
  | { readonly kind: 'here' }
  /** `stopWithinMs`: told to stop, it has ended by then, or hangs. */
  | { readonly kind: 'ready'; readonly started: Started; readonly stopWithinMs: number }
  | { readonly kind: 'counted'; readonly id: number; readonly metrics: Snapshot }
  /** Answered with `merged`. */
  | { readonly kind: 'metrics'; readonly id: number }
  | { readonly kind: 'inbox'; readonly message: InboxMessage }

type Inbox = Parameters<Worker['shareInbox']>[0]
type InboxMessage = Parameters<Inbox['add']>[0]

export type WorkerLink = Worker & {
  readonly count: number
  /** Says that this worker serves, and what it is asked from now on. */
  ready(started: Started, registry: Registry, stopWithinMs: number): void
  readonly toldToStop: Promise<void>
  /** Tells what was counted to the end, and leaves. */
  close(): Promise<void>
}

export async function linkToPrimary(): Promise<WorkerLink> {
  const primary = cluster.worker!
  const send = (message: ToPrimary) => new Promise<void>((resolve) => primary.send(message, () => resolve()))
  const asked = new Map<number, (text: string | null) => void>()
  let lastId = 0
  let counted: Registry | undefined
  let shared: Inbox | undefined
  let isRelaying = false
  const toldToServe = Promise.withResolvers<{ readonly number: number; readonly count: number }>()
  const toldToStop = Promise.withResolvers<void>()

  const tellCounted = async (id: number) =>
    send({ kind: 'counted', id, metrics: counted ? await snapshotOf(counted) : [] })

  primary.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'serve':
        return toldToServe.resolve(message)
      case 'stop':
        return toldToStop.resolve()
      case 'count':
        return void tellCounted(message.id)
      case 'merged':
        asked.get(message.id)?.(message.text)
        return void asked.delete(message.id)
      case 'inbox':
        // Its listeners are called within: what is put in here is not told again.
        isRelaying = true
        shared?.add(message.message)
        isRelaying = false
    }
  })

  void send({ kind: 'here' })
  const { number, count } = await toldToServe.promise
  return {
    number,
    count,
    metrics: () =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        asked.set(id, (text) =>
          text === null ? reject(new Error('the counts of the workers cannot be told')) : resolve(text),
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
    toldToStop: toldToStop.promise,
    async close() {
      await tellCounted(0)
      primary.disconnect()
    },
  }
}

async function snapshotOf(registry: Registry): Promise<Snapshot> {
  return (await registry.getMetricsAsJSON()) as unknown as Snapshot
}
