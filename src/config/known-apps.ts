/** Checks that the apps named in the settings are in the store. */

import { AppError } from '../errors.ts'
import type { Directory } from '../store/directory.ts'
import type { Settings } from './settings.ts'

/** @throws AppError `config.invalid` naming each app that the store does not have: a typing error would leave defaults in force. */
export async function assertAppsKnown(settings: Settings, directory: Pick<Directory, 'app'>): Promise<void> {
  const ids = Object.keys(settings.apps)
  const found = await Promise.all(ids.map((id) => directory.app(id)))
  const unknown = ids.filter((_, i) => found[i] === undefined)
  if (unknown.length > 0)
    throw new AppError(
      'config.invalid',
      unknown.map((id) => `apps.${id}: there is no such app; "countersign app list" shows them`).join('\n'),
    )
}
