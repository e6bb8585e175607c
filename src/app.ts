/** The whole program put together from its settings: the one place that sees every room. */

import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { systemClock } from './clock.ts'
import { type KeyRing, parseKeyRing } from './code/key-ring.ts'
import { policyWith } from './config/app-policy.ts'
import { ensureAdminToken, ownerName } from './config/data-folder.ts'
import type { Endpoint, Settings } from './config/settings.ts'
import { createDelivery } from './delivery/delivery.ts'
import { createLearning } from './delivery/learn.ts'
import { createMeasuredOrder } from './delivery/measured-order.ts'
import { createReceipts } from './delivery/receipts.ts'
import { createRouter, destinationOf, type Router } from './delivery/router.ts'
import { loadTemplates } from './delivery/templates.ts'
import type { App } from './directory/directory.ts'
import { AppError } from './errors.ts'
import type { AppPolicy } from './flows/policy.ts'
import type { Services } from './flows/services.ts'
import { createSessions } from './flows/sessions.ts'
import { adminPages } from './http/admin.ts'
import { huaweiDialect } from './http/huawei/dialect.ts'
import { operationsPages } from './http/operations.ts'
import { inboxPages } from './http/pages/inbox-page.ts'
import { receiptPages } from './http/receipts.ts'
import { type Answer, createServer } from './http/server.ts'
import type { Log } from './log.ts'
import { createMetrics } from './metrics.ts'
import { createProviders } from './providers/providers.ts'
import type { Sandbox } from './providers/sandbox/sandbox.ts'
import { openStore } from './store/open-store.ts'
import { lockDataFolder } from './store/sqlite/data-lock.ts'
import type { Store } from './store/store.ts'

export type RunningApp = {
  /** Base addresses of the listeners, with the ports they got. */
  readonly https: string | null
  readonly http: string | null
  readonly inbox: string | null
  readonly services: Services
  /** Turns unready, finishes what was accepted, then ends. Safe to call twice. */
  stop(): Promise<void>
}

const sweepEveryMs = 1_000
const learnEveryMs = 5_000
const drainTimeoutMs = 10_000

/** One of several processes that serve the same listeners from one data folder. */
export type Worker = {
  /** From 1; no two that run at once have the same. */
  readonly number: number
  /** What all of them count together, as Prometheus reads it. */
  metrics(): Promise<string>
  /** Puts what arrives in the inbox of any of them into that of each. */
  shareInbox(inbox: Sandbox['inbox']): void
}

/**
 * @param worker  Absent: this process is alone on its data folder, and holds the lock on it.
 * @throws AppError with every reason why it cannot start.
 */
export async function startApp(settings: Settings, log: Log, worker?: Worker): Promise<RunningApp> {
  await using started = new AsyncDisposableStack()
  if (!worker) started.use(lockDataFolder(settings.dataFolder))

  let routed: Router['states'] = () => []
  const metrics = createMetrics(
    () => stateOf(store),
    () => routed(),
  )
  let isBroken = false
  const opening = openStore(settings.store, {
    onAnswered: (verb, tookMs) => metrics.commitSeconds.observe({ verb }, tookMs / 1000),
    onFailed(reason) {
      isBroken = true
      log.error('the store is gone; the server must be started again', { reason })
    },
  })
  // Before anything else can fail: an engine's thread left open would keep the process alive.
  started.defer(async () => (await opening.catch(() => undefined))?.[Symbol.asyncDispose]())
  const [ring, templates, store] = await Promise.all([
    readKeyRing(settings),
    loadTemplates(settings.templates),
    opening,
  ])

  const onDeliveryError = (what: string, error: unknown) =>
    log.error(`delivery: ${what} failed`, { reason: reasonOf(error) })
  const receipts = createReceipts({
    dispatches: store.dispatches,
    observe(receipt, result) {
      const { provider, state } = receipt
      if (result.kind !== 'recorded') return metrics.receipts.inc({ provider, country: '', state: 'stray' })
      metrics.receipts.inc({ provider, country: result.region, state: result.isNews ? state : 'repeated' })
      if (result.isNews && state === 'delivered')
        metrics.receiptSeconds.observe({ provider }, result.sinceAcceptedMs / 1000)
    },
    onError: onDeliveryError,
  })
  started.defer(() => receipts.stop())
  const { providers, sandbox } = await createProviders(settings.providers, receipts.sinkOf)
  if (sandbox) worker?.shareInbox(sandbox.inbox)
  for (const provider of providers.values()) started.defer(async () => provider.close?.())
  const measured = createMeasuredOrder(() => performance.now(), Math.random)
  const router = createRouter({
    routes: settings.routes,
    providers: new Map(
      [...providers].map(([name, provider]) => [name, { ...settings.providers[name]!, provider }]),
    ),
    measured,
  })
  routed = router.states

  const policyOf = policies(settings)
  const testAddresses = new Map(settings.testAddresses.map((one) => [one.address, one]))
  const delivery = createDelivery({
    outbox: store.outbox,
    ring,
    templates,
    router,
    owner: ownerName(settings.dataFolder, worker?.number),
    observe(dispatch, entry, ageMs) {
      const { message, dispatches } = entry
      const { provider, outcome } = dispatch
      const { region: country, channel } = destinationOf(message)
      metrics.dispatches.inc({ provider, channel, country, outcome })
      if (outcome === 'accepted') return metrics.handOverSeconds.observe({ provider }, ageMs / 1000)
      const { tenant, app, id } = message
      const reason = dispatch.providerCode ?? ''
      const verification = entry.verification?.id ?? ''
      log.warn('a message was not taken', {
        tenant,
        app,
        channel,
        country,
        verification,
        message: id,
        provider,
        outcome,
        dispatches,
        reason,
      })
    },
    onError: onDeliveryError,
  })

  started.defer(() => delivery.stop(drainTimeoutMs))

  const services: Services = {
    store,
    ring,
    clock: systemClock,
    sessions: createSessions(store, systemClock.now),
    metrics,
    policyOf,
    hasLimits: settings.hasLimits,
    testCodeOf(address, now) {
      const test = testAddresses.get(address)
      return test && test.until > now ? test.code : undefined
    },
    serves: router.serves,
    lease: delivery.lease,
    handOver: delivery.handOver,
  }

  const takers = new Map(
    [...providers].flatMap(([name, one]) => (one.receipts ? [[name, one.receipts.bind(one)] as const] : [])),
  )
  let isReady = true
  const onAnswer = ({ route, status, ...rest }: Answer) => {
    metrics.requestSeconds.observe({ route, status }, rest.tookMs / 1000)
    const isFailure = status >= 400
    if (settings.log.requests === 'none' || (settings.log.requests === 'failures' && !isFailure)) return
    log[status >= 500 ? 'warn' : 'info']('answered', {
      route,
      status,
      ...rest,
      tookMs: Math.round(rest.tookMs),
    })
  }
  const serve = async (endpoint: Endpoint | null, tls: { cert: string; key: string } | null) => {
    if (!endpoint) return null
    const { trustedProxies } = settings
    const server = createServer({ tls, trustedProxies, isStopping: () => !isReady, onAnswer })
    started.defer(() => server.close())
    huaweiDialect(server, {
      services,
      isStrict: tls !== null && !settings.isDevelopment,
      onError: (error, request) =>
        log.error('a request failed', { requestId: request.id, reason: reasonOf(error) }),
    })
    await server.register(receiptPages, {
      takers,
      onError: (provider, error) =>
        log.error('receipts were not taken', { provider, reason: reasonOf(error) }),
    })
    if (!tls) {
      await server.register(operationsPages, {
        services,
        metrics: async () => ({
          type: metrics.registry.contentType,
          text: await (worker ? worker.metrics() : metrics.registry.metrics()),
        }),
        isAlive: () => !isBroken,
        isReady: () => isReady,
      })
      if (adminListen === 'http') await adminPagesOn(server)
      if (sandbox && settings.isDevelopment) await server.register(inboxPages, { inbox: sandbox.inbox })
    }
    return listen(server, endpoint)
  }
  const onOperatorError = (error: unknown) =>
    log.error('an operator’s call failed', { reason: reasonOf(error) })
  const { listen: adminListen } = settings.admin
  const adminPagesOn = (server: FastifyInstance) =>
    server.register(adminPages, {
      services,
      token: readAdminToken(settings),
      isForThisMachine: adminListen === 'http',
      onError: onOperatorError,
    })
  const tls = settings.https && settings.tls ? await readCertificate(settings.tls) : null
  if (settings.https && !tls) throw new AppError('config.invalid', 'https: a certificate and key are needed')
  // One after the other: workers share the ports that are any free ones by the order they ask for them in.
  const https = await serve(settings.https, tls)
  const http = await serve(settings.http, null)

  if (adminListen !== null && adminListen !== 'http') {
    const isLocal = /^(127\.|::1$|localhost$)/.test(adminListen.host)
    const server = createServer({
      tls: isLocal || !settings.tls ? null : await readCertificate(settings.tls),
      trustedProxies: [],
      isStopping: () => !isReady,
      onAnswer,
    })
    started.defer(() => server.close())
    await adminPagesOn(server)
    await listen(server, adminListen)
  }

  const learning = createLearning({
    dispatches: store.dispatches,
    now: () => store.now(),
    measured,
    lifetimeMs: longestLifetimeMs(settings),
    onError: onDeliveryError,
  })
  for (const provider of providers.values()) await provider.start?.()
  await delivery.start()
  const isMeasured = settings.routes.some((route) => route.order === 'measured')
  const learn = isMeasured ? setInterval(learning.look, learnEveryMs).unref() : undefined
  if (isMeasured) void learning.look()
  const sweeping = setInterval(
    () => void store.sweep(settings.retentionMs).catch(() => undefined),
    sweepEveryMs,
  )
  sweeping.unref()

  const running = started.move()
  let stopping: Promise<void> | undefined
  return {
    https,
    http,
    inbox: http && sandbox && settings.isDevelopment ? `${http}/inbox` : null,
    services,
    stop() {
      stopping ??= (async () => {
        isReady = false
        await new Promise((resolve) => setTimeout(resolve, settings.drainMs))
        clearInterval(sweeping)
        clearInterval(learn)
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

async function readKeyRing({ keyRing, keyRingFile }: Settings): Promise<KeyRing> {
  const from = keyRing === null ? keyRingFile : 'COUNTERSIGN_KEY_RING_KEYS'
  try {
    return parseKeyRing(keyRing ?? (await readFile(keyRingFile, 'utf8')))
  } catch (error) {
    throw new AppError('key-ring.invalid', `${from}: ${reasonOf(error)}`, { cause: error })
  }
}

/** Of the settings; an app's own record may say more, and its late uses then are not learned from. */
function longestLifetimeMs({ policy, apps }: Settings): number {
  const all = [policy, ...Object.values(apps).map((one) => policyWith(policy, one))]
  return Math.max(...all.flatMap(({ lifetimeMs }) => [lifetimeMs.sms, lifetimeMs.email]))
}

function readAdminToken({ admin }: Settings): string {
  try {
    return ensureAdminToken(admin.tokenFile)
  } catch (error) {
    throw new AppError('config.invalid', `admin.tokenFile: ${reasonOf(error)}`, { cause: error })
  }
}

/** Effective policies by app record, worked out once for each state of a record. */
function policies(settings: Settings): (app: App) => AppPolicy {
  const known = new WeakMap<App, AppPolicy>()
  const byContent = new Map<string, AppPolicy>()
  return (app) => {
    const policy = known.get(app)
    if (policy) return policy
    // A session read anew brings a new object of the same content: it shall get the same policy.
    const content = `${app.id} ${JSON.stringify(app.policy)}`
    let made = byContent.get(content)
    if (!made) {
      made = policyWith(policyWith(settings.policy, settings.apps[app.id] ?? {}), app.policy)
      if (byContent.size >= 10_000) byContent.clear()
      byContent.set(content, made)
    }
    known.set(app, made)
    return made
  }
}

async function readCertificate({ certificateFile, keyFile }: NonNullable<Settings['tls']>) {
  const [cert, key] = await Promise.all([readFile(certificateFile, 'utf8'), readFile(keyFile, 'utf8')])
  return { cert, key }
}

async function listen(server: FastifyInstance, { host, port }: Endpoint): Promise<string> {
  try {
    return await server.listen({ host, port })
  } catch (error) {
    const { code } = error as { code?: string }
    const remedy =
      code === 'EADDRINUSE'
        ? 'something else listens there; stop it or choose another port'
        : code === 'EACCES'
          ? 'this user may not listen there; choose a port above 1023'
          : reasonOf(error)
    throw new AppError('config.invalid', `cannot listen on ${host}:${port}: ${remedy}`, { cause: error })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
