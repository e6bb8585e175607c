/** Every call of the native API. */

import { documentRoute } from './document-route.ts'
import { eventsRoute } from './events.ts'
import { limitsRoute } from './limits-route.ts'
import { pageRoutes } from './page-calls.ts'
import { problemRoute } from './problem-pages.ts'
import { verifyProofRoute } from './proofs.ts'
import type { Route } from './route.ts'
import { sessionRoutes } from './sessions.ts'
import { verificationActRoutes } from './verification-acts.ts'
import { verificationReadRoutes } from './verification-reads.ts'
import { verificationRoutes } from './verifications.ts'
import { webhookRoutes } from './webhooks.ts'

export const nativeRoutes: readonly Route[] = [
  ...verificationRoutes,
  ...verificationActRoutes,
  ...verificationReadRoutes,
  limitsRoute,
  verifyProofRoute,
  eventsRoute,
  ...webhookRoutes,
  ...sessionRoutes,
  ...pageRoutes,
  problemRoute,
  documentRoute,
]
