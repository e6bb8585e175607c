/** Puts the whole program together from its settings. Only this room imports all the others. */

import { systemClock } from '../clock.ts'
import { renewableRing } from '../code/key-ring.ts'
import { assertAppsKnown } from '../config/known-apps.ts'
import { readKeyRing } from '../config/read-key-ring.ts'
import type { Settings } from '../config/settings.ts'
import { apartFromAnswer } from '../deadline.ts'
import type { Router } from '../delivery/router.ts'
import { loadTemplates } from '../delivery/templates.ts'
import { createApiKeys } from '../flows/api-keys.ts'
import { createPasswordCheck } from '../flows/check-password.ts'
import { createProofTokens } from '../flows/proof-token.ts'
import { createRefusals } from '../flows/refusals.ts'
import type { Services } from '../flows/services.ts'
import { createSessions } from '../flows/sessions.ts'
import type { Log } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { openStore } from '../store/open-store.ts'
import { lockDataFolder } from '../store/sqlite/data-lock.ts'
import type { Store } from '../store/store.ts'
import { createWriteProof } from '../store/write-proof.ts'
import type { Worker } from '../workers/link-to-primary.ts'
import { startErasing } from './erasing.ts'
import { startListeners } from './listeners.ts'
import { createPolicies } from './policies.ts'
import { startRecoveries } from './recoveries.ts'
import { createSending } from './sending.ts'
import { createEventing } from './webhooks.ts'

export type RunningApp = {
  /** Base addresses of the listeners, with the ports they got. */
  readonly https: string | null
  readonly http: string | null
  readonly inbox: string | null
  readonly services: Services
  /**
   * Reads the key ring and the certificate again, without ending a connection.
   * @returns A sentence about the new ones.
   * @throws AppError naming the faulty one; then both stay as they were.
   */
  renew(): Promise<string>
  /** Becomes unready, finishes accepted work, then ends. Safe to call twice. */
  stop(): Promise<void>
}

const sweepEveryMs = 1_000
/** How long a start waits for the store, which may be starting on the same machine. */
const startWithinMs = 30_000

/**
 * @param worker  undefined: this process is alone on its data folder, and holds the lock on it.
 * @throws AppError with every reason why it cannot start.
 */
export async function startApp(settings: Settings, log: Log, worker?: Worker): Promise<RunningApp> {
  await using started = new AsyncDisposableStack()
  if (!worker) started.use(lockDataFolder(settings.dataFolder))

  let routed: Router['states'] = () => []
  const metrics = createMetrics(
    () => stateOf(store),
    () => routed(),
    async () => {
      const proof = await prove()
      return proof.kind === 'taken' && proof.without.length === 0
    },
  )
  let isBroken = false
  const opening = openStore(settings.store, {
    onAnswered: (verb, tookMs) => metrics.commitSeconds.observe({ verb }, tookMs / 1000),
    startWithinMs,
    onAwaited: (reason) => log.warn('the store is not there yet and is waited for', { reason }),
    onMigrated(from, to) {
      // Not logged for a new store, which would confuse a newcomer.
      if (from > 0) log.info(`the store’s schema is up to date: ${from} → ${to}`)
    },
    onFailed(reason) {
      isBroken = true
      log.error('the store is gone; the server must be started again', { reason })
    },
  })
  // Before anything else can fail, because an engine's thread that stays open keeps the process alive.
  started.defer(async () => (await opening.catch(() => undefined))?.[Symbol.asyncDispose]())
  const [firstRing, templates, store] = await Promise.all([
    readKeyRing(settings),
    loadTemplates(settings.templates),
    opening,
  ])

  const prove = createWriteProof(store)
  await assertAppsKnown(settings, store.directory)
  const ring = renewableRing(firstRing)
  const eventing = started.use(
    createEventing(settings, { store, ring, clock: systemClock, metrics, log, worker: worker?.number }),
  )
  const { readers, feed, webhooks } = eventing
  const sending = started.use(
    await createSending(settings, { store, ring, templates, metrics, log, readers, worker: worker?.number }),
  )
  const { delivery, router, providers, sandbox } = sending
  routed = router.states
  if (sandbox) worker?.shareInbox(sandbox.inbox)

  const testAddresses = new Map(settings.testAddresses.map((one) => [one.address, one]))
  let publicUrl = settings.publicUrl
  const services: Services = {
    store,
    ring,
    clock: systemClock,
    sessions: createSessions(store, systemClock.now),
    apiKeys: createApiKeys(store, systemClock.now),
    metrics,
    policyOf: createPolicies(settings),
    hasLimits: settings.hasLimits,
    addressRules: settings.addressRules,
    checkPassword: createPasswordCheck({
      store,
      limits: settings.hasLimits ? settings.passwordLimits : null,
      metrics,
    }),
    proofs: createProofTokens(ring, () => publicUrl, settings.proofAlgorithm),
    publicUrl: () => publicUrl,
    undo: settings.undo,
    addressCap: settings.addressCap,
    testCodeOf(address, now) {
      const test = testAddresses.get(address)
      return test && test.until > now ? test.code : undefined
    },
    serves: router.serves,
    routeFor: router.routeFor,
    render: templates.render,
    codeTemplates: templates.codes,
    recordRefusal: createRefusals({ journal: store.journal, ring, log }),
    lease: delivery.lease,
    handOver: (entry) => apartFromAnswer(() => delivery.handOver(entry)),
    areEventsRead: readers.has,
    feed,
    webhooks,
  }

  // Before the first call, whose events may be read already.
  await eventing.start()
  let isReady = true
  const listeners = started.use(
    await startListeners(settings, log, {
      services,
      providers,
      sandbox,
      readMetrics: () => (worker ? worker.metrics() : metrics.registry.metrics()),
      isAlive: () => !isBroken,
      isReady: () => isReady,
      takesWrites: async () => (await prove()).kind === 'taken',
    }),
  )
  if (settings.isDevelopment) publicUrl ??= listeners.http ?? listeners.https
  await sending.start()
  const sweeping = setInterval(
    () => void store.sweep(settings.retentionMs).catch(() => undefined),
    sweepEveryMs,
  )
  sweeping.unref()
  const erasing = startErasing(store, ring, log)
  started.use(startRecoveries(services))

  const { https, http, inbox } = listeners
  const running = started.move()
  let stopping: Promise<void> | undefined
  return {
    https,
    http,
    inbox,
    services,
    async renew() {
      const next = readKeyRing(settings)
      const hasCertificate = await listeners.renewCertificate()
      ring.replaceBy(next)
      return `the key ring, newest ${next.newest.id}${hasCertificate ? ', and the certificate' : ''}`
    },
    stop() {
      stopping ??= (async () => {
        isReady = false
        await new Promise((resolve) => setTimeout(resolve, settings.drainMs))
        clearInterval(sweeping)
        erasing[Symbol.dispose]()
        await running.disposeAsync()
      })()
      return stopping
    },
  }
}

async function stateOf(store: Store) {
  try {
    const [depth, live] = await Promise.all([store.outbox.depth(), store.verifications.countLive()])
    return { ...depth, live }
  } catch {
    return undefined // shown as no value, not as zero
  }
}
