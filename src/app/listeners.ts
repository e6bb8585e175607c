/** Starts the listeners, for callers with TLS and without, and for the operator, each with its pages. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { examineCertificate } from '../config/certificate.ts'
import { ensureToken } from '../config/data-folder.ts'
import type { Endpoint } from '../config/providers/parts.ts'
import type { Settings } from '../config/settings.ts'
import type { Provider } from '../delivery/provider.ts'
import { AppError, reasonOf } from '../errors.ts'
import { openSession } from '../flows/hosted-session.ts'
import type { Services } from '../flows/services.ts'
import { adminPages } from '../http/admin.ts'
import { apiDocument } from '../http/api-document.ts'
import { huaweiDialect } from '../http/huawei/dialect.ts'
import { keySetPage } from '../http/key-set.ts'
import { nativeDialect } from '../http/native/dialect.ts'
import { metricsPage, operationsPages } from '../http/operations.ts'
import { apiPages } from '../http/pages/api-page.ts'
import { inboxPages } from '../http/pages/inbox-page.ts'
import { verifyPages } from '../http/pages/verify-page.ts'
import { receiptPages } from '../http/receipts.ts'
import { type Answer, createServer, type ServerOptions } from '../http/server.ts'
import type { Log } from '../log.ts'
import { isLoopback } from '../network/loopback.ts'
import type { Sandbox } from '../providers/sandbox/sandbox.ts'
import { receiptTrouble } from './receipt-trouble.ts'

export type Listeners = AsyncDisposable & {
  /** Base addresses, with the ports they got. */
  readonly https: string | null
  readonly http: string | null
  readonly inbox: string | null
  /**
   * Reads the certificate's files again, for new connections.
   * @returns false if the settings have no certificate.
   * @throws AppError `config.invalid`.
   */
  renewCertificate(): Promise<boolean>
}

export type Served = {
  readonly services: Services
  readonly providers: ReadonlyMap<string, Provider>
  readonly sandbox: Sandbox | undefined
  /** The metrics in the form that Prometheus reads. */
  readonly readMetrics: () => Promise<string>
  /** false: the process must be started again. */
  readonly isAlive: () => boolean
  /** false: the process is stopping. */
  readonly isReady: () => boolean
  readonly takesWrites: () => Promise<boolean>
}

type Certificate = { readonly cert: string; readonly key: string }

/** @throws AppError `config.invalid` with the remedy, if one cannot listen. */
export async function startListeners(settings: Settings, log: Log, served: Served): Promise<Listeners> {
  const { services, providers, sandbox, readMetrics, isAlive, isReady, takesWrites } = served
  const { trustedProxies, admin } = settings
  // Behind a proxy all callers seem to be on this machine.
  const hasInbox = settings.isDevelopment && !settings.isBehindProxy
  const inboxKey = hasInbox ? ensureToken(join(settings.dataFolder, 'inbox.key')) : ''
  await using started = new AsyncDisposableStack()
  const onAnswer = answerObserver(settings, log, services)
  const secure: TlsServer[] = []
  const create = (
    tls: Certificate | null,
    { trustedProxies, dialects }: Pick<ServerOptions, 'trustedProxies' | 'dialects'>,
  ) => {
    const server = createServer({
      tls,
      trustedProxies,
      dialects,
      isStrict: tls !== null && !settings.isDevelopment,
      isStopping: () => !isReady(),
      onAnswer,
      onError: (error, request) =>
        log.error('a request failed', { requestId: request.id, reason: reasonOf(error) }),
    })
    started.defer(() => server.close())
    if (server.server instanceof TlsServer) secure.push(server.server)
    return server
  }
  const takers = new Map(
    [...providers].flatMap(([name, one]) => (one.receipts ? [[name, one.receipts.bind(one)] as const] : [])),
  )
  const onRefused = receiptTrouble('refused', services.metrics, log)
  const adminPagesOn = (server: FastifyInstance) =>
    server.register(adminPages, {
      services,
      token: readToken('admin.tokenFile', admin.tokenFile),
      isForThisMachine: admin.listen === 'http',
      onError: (error) => log.error('an operator’s call failed', { reason: reasonOf(error) }),
    })

  const metricsPageOn = (server: FastifyInstance) => {
    const { listen: at, tokenFile } = settings.metrics
    return server.register(metricsPage, {
      metrics: async () => ({ type: services.metrics.registry.contentType, text: await readMetrics() }),
      token: tokenFile === null ? null : readToken('metrics.tokenFile', tokenFile),
      isForThisMachine: at === 'http',
    })
  }

  async function serve(endpoint: Endpoint | null, tls: Certificate | null): Promise<string | null> {
    if (!endpoint) return null
    const server = create(tls, {
      trustedProxies,
      dialects: [
        { prefix: '', dialect: huaweiDialect(services) },
        { prefix: '/v1', dialect: nativeDialect({ services, document }) },
      ],
    })
    await server.register(receiptPages, {
      takers,
      onRefused,
      onError: (provider, error) =>
        log.error('receipts were not taken', { provider, reason: reasonOf(error) }),
    })
    await server.register(apiPages)
    await server.register(keySetPage, services)
    await server.register(verifyPages, {
      find: (token) => openSession(services.ring, token, services.clock.now()),
    })
    if (!tls) {
      await server.register(operationsPages, { isAlive, isReady, takesWrites })
      if (settings.metrics.listen === 'http') await metricsPageOn(server)
      if (admin.listen === 'http') await adminPagesOn(server)
      if (sandbox && hasInbox) await server.register(inboxPages, { inbox: sandbox.inbox, key: inboxKey })
    }
    return listen(server, endpoint)
  }

  const tls = settings.https && settings.tls ? await readCertificate(settings.tls) : null
  if (settings.https && !tls) throw new AppError('config.invalid', 'https: a certificate and key are needed')
  // One after the other: of ports that are any free ones, workers get the same if they ask in the same order.
  const https = await serve(settings.https, tls)
  const http = await serve(settings.http, null)
  for (const [at, pagesOn] of [
    [admin.listen, adminPagesOn],
    [settings.metrics.listen, metricsPageOn],
  ] as const) {
    if (at === null || at === 'http') continue
    const server = create(isLoopback(at.host) || !settings.tls ? null : await readCertificate(settings.tls), {
      trustedProxies: [],
      dialects: [],
    })
    await pagesOn(server)
    await listen(server, at)
  }
  const held = started.move()
  return {
    https,
    http,
    inbox: http && sandbox && hasInbox ? `${http}/inbox?key=${inboxKey}` : null,
    async renewCertificate() {
      if (!settings.tls || secure.length === 0) return false
      const { problems } = examineCertificate(settings.tls, new Date())
      if (problems.length > 0) throw new AppError('config.invalid', `tls: ${problems.join('; ')}`)
      const renewed = await readCertificate(settings.tls)
      for (const server of secure) server.setSecureContext(renewed)
      return true
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Made when it is first asked for, because most servers never are. */
let documentText: string | undefined
function document(): string {
  documentText ??= JSON.stringify(apiDocument())
  return documentText
}

function answerObserver({ log: wanted }: Settings, log: Log, { metrics }: Services) {
  return ({ route, status, ...rest }: Answer) => {
    metrics.requestSeconds.observe({ route, status }, rest.tookMs / 1000)
    metrics.loopLag.note()
    const isFailure = status >= 400
    if (wanted.requests === 'none' || (wanted.requests === 'failures' && !isFailure)) return
    log[status >= 500 ? 'warn' : 'info']('answered', {
      route,
      status,
      ...rest,
      tookMs: Math.round(rest.tookMs),
    })
  }
}

function readToken(setting: string, file: string): string {
  try {
    return ensureToken(file)
  } catch (error) {
    throw new AppError('config.invalid', `${setting}: ${reasonOf(error)}`, { cause: error })
  }
}

async function readCertificate({
  certificateFile,
  keyFile,
}: NonNullable<Settings['tls']>): Promise<Certificate> {
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
