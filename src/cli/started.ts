/** The announcement of a server that has started. */

import type { RunningApp } from '../app/start-app.ts'
import type { Demo } from './demo.ts'

/** The addresses it listens on, and its demo accounts. */
export type Started = Pick<RunningApp, 'https' | 'http' | 'inbox'> & { readonly demo: Demo | null }
