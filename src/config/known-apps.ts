/** Whether the apps that the settings name exist: only the store knows. */

import { AppError } from '../errors.ts'
import type { Directory } from '../store/directory.ts'
import type { Settings } from './settings.ts'

/** @throws AppError `config.invalid` naming each app of the settings that the store does not know: a slip leaves defaults in force. */
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
