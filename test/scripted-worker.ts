/** A worker with a scripted life: it sends the primary process the messages of a real one, but serves nothing. */

import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import type { ToPrimary, ToWorker } from '../src/workers/messages.ts'

/** By the number of the worker; those that are not named serve. */
export type Script = Readonly<
  Record<
    number,
    | 'serve'
    /** Ends once it has its number. */
    | 'fail'
    /** Does not stop when it is ordered to. */
    | 'stay'
    /** Counts in a way that nobody can add, and asks for the sum. */
    | 'miscount'
  >
>

const worker = cluster.worker!
const say = (message: ToPrimary) => worker.send(message)

worker.on('message', (message: ToWorker) => {
  if (message.kind === 'serve') serve(message.number)
})
say({ kind: 'here' })

function serve(number: number): void {
  const script = JSON.parse(readFileSync(process.env.COUNTERSIGN_SCRIPT!, 'utf8')) as Script
  const day = script[number] ?? 'serve'
  if (day === 'fail') process.exit(7)
  worker.on('message', (message: ToWorker) => {
    if (message.kind === 'stop' && day !== 'stay') worker.disconnect()
    if (message.kind === 'count')
      say({
        kind: 'counted',
        id: message.id,
        metrics:
          day === 'miscount'
            ? ([{ name: 'odd', type: 'counter', aggregator: 'newer', values: [{}] }] as never)
            : [],
      })
  })
  say({
    kind: 'ready',
    stopWithinMs: 300,
    started: { https: null, http: String(number), inbox: null, demo: null },
  })
  if (day === 'miscount') say({ kind: 'metrics', id: 1 })
}
