/** What fails in one process of an installation, whatever its engine: it is killed, or its clock is set. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DeliveryPoint } from '../../src/delivery/crash-points.ts'
import { peerAt } from '../peers.ts'
import { pause } from './people.ts'
import type { Scenario } from './scenario.ts'

const killAtPlant = join(import.meta.dirname, '..', 'plants', 'kill-at.ts')

/** At any moment. @param nth  Of the processes. */
export function killed<Engine>(nth: number): Scenario<Engine> {
  return {
    fault: 'a process killed (SIGKILL) under load, three times, and started again',
    async begin({ servers, startAgain }) {
      for (let times = 1; times < 3; times++) {
        await servers[nth]!.kill()
        await startAgain(nth)
        await pause(400)
      }
      await servers[nth]!.kill()
    },
    end: ({ startAgain }) => startAgain(nth),
    lastsMs: null,
    isOutage: true,
    dies: [nth],
  }
}

/** At a point between which a crash matters. */
export function killAt<Engine>(point: DeliveryPoint, nth: number): Scenario<Engine> {
  // Deep in the load, and for uses, of which there are few, once there are some.
  const times = point === 'after-use' ? 3 : 25
  return {
    fault: `a process killed ${point.replace('-', ' ')} (SIGKILL), and started again`,
    options: (one) => (one === nth ? { imports: [killAtPlant], env: { KILL_AT: `${point}:${times}` } } : {}),
    begin: async ({ servers }) => void (await servers[nth]!.ended()),
    end: ({ startAgain }) => startAgain(nth),
    lastsMs: null,
    isOutage: true,
    dies: [nth],
  }
}

const fakeTimePaths = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`,
)

/** The shortest life a code may have, so that some are over within the scenario. */
const lifetimeMs = 10_000

export function clockSteps<Engine>(nth: number): Scenario<Engine> {
  const fileIn = (folder: string) => join(folder, 'clock')
  return {
    fault: 'the wall clock of a process stepped an hour ahead, then two hours back',
    lifetimeMs,
    peer: ['faketime (apt-get install faketime)', fakeTimePaths],
    options(one, folder) {
      if (one !== nth) return {}
      writeFileSync(fileIn(folder), '+0')
      return {
        env: {
          LD_PRELOAD: peerAt(fakeTimePaths) ?? '',
          FAKETIME_TIMESTAMP_FILE: fileIn(folder),
          FAKETIME_NO_CACHE: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        },
      }
    },
    async begin({ servers }) {
      const set = (offset: string) => writeFileSync(fileIn(servers[nth]!.dataFolder), offset)
      set('+3600')
      await pause(2_000)
      set('-3600')
    },
    end: async () => undefined,
    lastsMs: lifetimeMs,
    isOutage: false,
  }
}
