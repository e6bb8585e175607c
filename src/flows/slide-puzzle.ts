/** The slide puzzle before a forgotten password: makes one, and checks its solution. Nobody is looked up for it. */

import { setTimeout as pause } from 'node:timers/promises'
import type { RingKey } from '../code/key-ring.ts'
import { makeStep, openStep } from '../code/step-token.ts'
import { onceForEach } from '../once-for-each.ts'
import { randomHex } from '../random.ts'
import type { Limit, Throttled } from '../throttle/acquire.ts'
import { networkLimits } from '../throttle/limits-without-login.ts'
import { createFairQueue } from './fair-queue.ts'
import { drawPuzzle, type Place, pictureHeight, pictureWidth, pieceSize } from './puzzle-picture.ts'
import type { Services } from './services.ts'

/** Life of the tokens between the steps, ms. */
export const stepMs = 180_000

/** What a puzzle is solved for, in the words of the wire. A solution for one never serves the other. */
export type PuzzleUse = 'login' | 'forgotten-password'

/** Who wants one. */
export type Puzzled = { readonly user: string; readonly use: PuzzleUse }

export type NewPuzzle =
  | {
      readonly kind: 'made'
      /** PNG: the whole picture with the hole, and the piece. */
      readonly shadow: Buffer
      readonly piece: Buffer
      /** The upper edge of the piece, px. */
      readonly y: number
      readonly token: string
    }
  | { readonly kind: 'busy' }
  | Throttled

export type Solved =
  | { readonly kind: 'solved'; readonly token: string }
  | { readonly kind: 'wrong' }
  /** Unknown, over, used, of another user, or tried too often. */
  | { readonly kind: 'no-puzzle' }

/** Pictures at the same time: each takes some 8 ms of the main thread, and one of the four threads of the pool. */
const maxDrawn = 1
const maxWaiting = 48
const maxWaitMs = 500
const drawing = onceForEach((_: Services['store']) => createFairQueue(maxDrawn, maxWaiting))

/** After a picture, so that a flood of puzzles takes half of the main thread at most. */
const restMs = 10

/** Puzzles of a network, and five times as many of a site. People share networks, and drop some puzzles. */
const puzzleKeys = { network: 'zn', site: 'zns' }
const puzzleRules = [{ max: 300, perMs: 3_600_000 }] as const
/** Tries at one puzzle. */
const triesRules = [{ kind: 'window', max: 5, perMs: stepMs }] as const

/** How far beside the hole a person may leave the piece, px. */
const tolerance = 5
/** The hole is at the right of where the piece begins, so that there is something to slide. */
const leftmost = pieceSize + 20
/** Nobody slides quicker, ms. */
const minSlideMs = 100

/** @param network  The client's, see `networkOf`. */
export async function newPuzzle(
  services: Pick<Services, 'store' | 'ring' | 'clock' | 'hasLimits'>,
  { user, use }: Puzzled,
  network: string,
): Promise<NewPuzzle> {
  const { store, ring, clock, hasLimits } = services
  if (hasLimits) {
    const acquired = await store.limiters.acquire(networkLimits(puzzleKeys, network, puzzleRules))
    if (acquired.kind === 'throttled') return acquired
  }
  const until = performance.now() + maxWaitMs
  const puzzle = await drawing(store).inTurn({ network, isKnown: false }, until, async () => {
    const token = makeStep(ring, 'p', clock.now() + stepMs, [user, use])
    const hole = holeOf(ring.newest, token)
    const { shadow, piece } = await drawPuzzle(randomHex(16), hole)
    await pause(restMs)
    return { kind: 'made', shadow, piece, y: hole.y, token } as const
  })
  return puzzle ?? { kind: 'busy' }
}

/**
 * @param x  Where the person left the piece: its left edge, px.
 * @param slideMs  How long that took.
 */
export async function solvePuzzle(
  { store, ring, clock }: Pick<Services, 'store' | 'ring' | 'clock'>,
  { user, use }: Puzzled,
  { token, x, slideMs }: { readonly token: string; readonly x: number; readonly slideMs: number },
): Promise<Solved> {
  const now = clock.now()
  const step = openStep(ring, token, 'p', now, [user, use])
  if (!step) return { kind: 'no-puzzle' }
  const tries: Limit = { scope: 'network', key: `zt:${step.id}`, form: 'events', rules: triesRules }
  if ((await store.limiters.acquire([tries])).kind === 'throttled') return { kind: 'no-puzzle' }
  const isRight = Math.abs(x - holeOf(step.key, token).x) <= tolerance
  if (!isRight || slideMs < minSlideMs || slideMs > stepMs) return { kind: 'wrong' }
  if (!(await useStep(store, step))) return { kind: 'no-puzzle' }
  return { kind: 'solved', token: makeStep(ring, 's', now + stepMs, [user, use]) }
}

/** Uses a token up. @returns false if it was used before. */
export function useStep(
  store: Services['store'],
  { id, expiresAt }: { readonly id: string; readonly expiresAt: number },
): Promise<boolean> {
  return store.consumptions.consume({ thing: `step ${id}`, by: randomHex(8), expiresAt })
}

/** Where the hole is, from the token alone: nothing is stored, and any process can check a solution. */
function holeOf(key: RingKey, token: string): Place {
  const mac = key.codeMac(JSON.stringify(['countersign-hole-1', token]))
  const within = (at: number, least: number, most: number) =>
    least + (Number.parseInt(mac.slice(at, at + 8), 16) % (most - least + 1))
  return {
    x: within(0, leftmost, pictureWidth - pieceSize - 5),
    y: within(8, 5, pictureHeight - pieceSize - 5),
  }
}
