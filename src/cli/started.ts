/** What a server that has started announces. */

import type { RunningApp } from '../app/start-app.ts'
import type { Demo } from './demo.ts'

/** Where it listens, and who may try it. */
export type Started = Pick<RunningApp, 'https' | 'http' | 'inbox'> & { readonly demo: Demo | null }
