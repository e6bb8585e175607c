/** Kills the process at a named point of delivery: `KILL_AT=point:n`, at the n-th time it is reached. */

import { subscribe } from 'node:diagnostics_channel'

const [point, times = '1'] = (process.env.KILL_AT ?? '').split(':')
let left = Number(times)
subscribe('countersign.delivery', (message) => {
  if ((message as { point: string }).point === point && --left === 0) process.kill(process.pid, 'SIGKILL')
})
