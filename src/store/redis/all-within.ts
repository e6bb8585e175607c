/** Waits for several acts of which some may hang. */

import { AppError } from '../../errors.ts'

/**
 * Waits until all acts have ended, but not longer than `ms`. Acts that take longer go on by themselves.
 * @returns The reason why some act failed or did not end in time; undefined if all succeeded.
 */
export async function allWithin(
  ms: number,
  acts: readonly Promise<unknown>[],
): Promise<AppError | undefined> {
  let failure: AppError | undefined
  let missing = acts.length
  let timer: NodeJS.Timeout | undefined
  const all = acts.map((act) =>
    act.then(
      () => {
        missing--
      },
      (error: unknown) => {
        missing--
        failure = error instanceof AppError ? error : new AppError('store.unavailable', String(error))
      },
    ),
  )
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([Promise.all(all), over])
  clearTimeout(timer)
  return failure ?? (missing > 0 ? new AppError('store.unavailable', `no answer within ${ms} ms`) : undefined)
}
