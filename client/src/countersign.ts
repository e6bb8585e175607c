/** The client: one method for each call of the API. */

import type * as api from './api.ts'
import { type EventsRequest, readEvents } from './events.ts'
import { type ProofCheck, verifyProof } from './proofs.ts'
import { type Call, type CallOptions, call, type Method, type Options } from './transport.ts'
import { verifyWebhook } from './webhooks.ts'

/**
 * One is enough for a process. All methods may be called at once, and take `signal`, `timeoutMs` and, where something
 * is done, `idempotencyKey`.
 * @throws CountersignError from each method, for a refused call and for a server that did not answer in any try.
 */
export class Countersign {
  readonly #options: Options

  constructor(options: Options) {
    if (!options.key) throw new TypeError('a Countersign client needs a key, and was given none')
    this.#options = options
  }

  /** A client with some options changed; this one stays as it is. */
  withOptions(changed: Partial<Options>): Countersign {
    return new Countersign({ ...this.#options, ...changed })
  }

  readonly verifications = {
    /** Sends a code; while one for the same address, purpose and subject lives, sends that again. */
    start: (request: api.StartVerification, options?: CallOptions) =>
      this.#post<api.StartedVerification>('/v1/verifications', request, options),

    /** A wrong code is a value: `refused`, with the submissions that are left. */
    check: (id: string, code: string, options?: CallOptions) =>
      this.#post<api.CheckResult>(`${one(id)}/check`, { code }, options),

    /** The same code again, by the same channel or another one. */
    send: (id: string, request: api.SendAgain = {}, options?: CallOptions) =>
      this.#post<api.SentVerification>(`${one(id)}/send`, request, options),

    /** The same code by the next channel of the plan. */
    next: (id: string, options?: CallOptions) => this.verifications.send(id, { next: true }, options),

    /** Hands in the solution of one that is `held`, as the widget of ALTCHA gives it; then its code is sent. */
    challenge: (id: string, solution: string, options?: CallOptions) =>
      this.#post<api.SentVerification>(`${one(id)}/challenge`, { solution }, options),

    cancel: (id: string, options?: CallOptions) =>
      this.#post<api.Verification>(`${one(id)}/cancel`, {}, options),

    get: (id: string, options?: CallOptions) => this.#get<api.Verification>(one(id), {}, options),

    /** Its steps and dispatches, with masked addresses. */
    timeline: (id: string, options?: CallOptions) =>
      this.#get<api.Timeline>(`${one(id)}/timeline`, {}, options),

    list: (query: Query<'listVerifications'> = {}, options?: CallOptions) =>
      this.#get<api.VerificationPage>('/v1/verifications', query, options),

    /** By address, which is in no URL. */
    search: (request: api.SearchVerifications, options?: CallOptions) =>
      this.#post<api.VerificationPage>('/v1/verifications/search', request, options),
  }

  /** @see readEvents */
  events(request?: EventsRequest) {
    return readEvents(this.#options, request)
  }

  /** Needs a key with the scope `admin`, but for `verify`. */
  readonly webhooks = {
    /** The secret is in this answer alone. */
    create: (request: Body<'createWebhook'>, options?: CallOptions) =>
      this.#post<api.CreatedWebhook>('/v1/webhooks', request, options),
    list: (options?: CallOptions) => this.#get<api.WebhookList>('/v1/webhooks', {}, options),
    get: (id: string, options?: CallOptions) => this.#get<api.Webhook>(hook(id), {}, options),
    /** Also for its secret: `rotate` answers with a new one. */
    update: (id: string, body: Body<'changeWebhook'>, options?: CallOptions) =>
      this.#call<api.ChangedWebhook>('PATCH', hook(id), { ...options, body }),
    delete: (id: string, options?: CallOptions) => this.#call<void>('DELETE', hook(id), options),
    /** Posts a test event, and waits for how it went. Not repeated, because each call posts one more. */
    test: (id: string, options?: CallOptions) =>
      this.#call<api.WebhookTrial>('POST', `${hook(id)}/test`, {
        timeoutMs: testMs,
        ...options,
        maxTries: 1,
      }),
    deliveries: (id: string, query: Query<'listWebhookDeliveries'> = {}, options?: CallOptions) =>
      this.#get<api.WebhookDeliveryPage>(`${hook(id)}/deliveries`, query, options),
    /** @param event  Its id. */
    replay: (id: string, event: string, options?: CallOptions) =>
      this.#call<void>('POST', `${hook(id)}/deliveries/${encodeURIComponent(event)}/replay`, options),
    verify: verifyWebhook,
  }

  readonly proofs = {
    /** Checks a proof by the published keys, without a call for each. @see verifyProof */
    verify: (token: string, check: Omit<ProofCheck, 'url' | 'fetch'>): Promise<api.ProofClaims> =>
      verifyProof(token, { url: this.#options.url, fetch: this.#options.fetch, ...check }),

    /** Checks a proof at the server, which accepts each one once. */
    consume: (
      proof: string,
      request: Omit<api.VerifyProof, 'proof' | 'consume'> = {},
      options?: CallOptions,
    ) =>
      this.#post<api.ProofValid | api.ProofRefused>(
        '/v1/proofs/verify',
        { ...request, proof, consume: true },
        options,
      ),
  }

  readonly sessions = {
    /** For the hosted page: send the person to its `url`. */
    create: (request: api.MakeSession, options?: CallOptions) =>
      this.#post<api.Session>('/v1/sessions', request, options),
    /** Redeems, once, what the person brought back from the hosted page. */
    redeem: (result: string, options?: CallOptions) =>
      this.#post<api.RedeemedResult>('/v1/sessions/redeem', { result }, options),
  }

  /** What a subject or the app has left. */
  limits(query: Query<'readLimits'> = {}, options?: CallOptions): Promise<api.Limits> {
    return this.#get('/v1/limits', query, options)
  }

  #get<T>(path: string, query: object, options?: CallOptions): Promise<T> {
    return this.#call('GET', path, { ...options, query: query as Call['query'] & {} })
  }

  #post<T>(path: string, body: unknown, options?: CallOptions): Promise<T> {
    return this.#call('POST', path, { ...options, body })
  }

  #call<T>(method: Method, path: string, given?: Call): Promise<T> {
    return call(this.#options, method, path, given)
  }
}

type Body<N extends keyof api.Operations> = api.Operations[N] extends { body: infer B } ? B : never
type Query<N extends keyof api.Operations> = api.Operations[N] extends { query: infer Q } ? Q : never

/** The server waits nine seconds for an endpoint. */
const testMs = 15_000

const one = (id: string) => `/v1/verifications/${encodeURIComponent(id)}`
const hook = (id: string) => `/v1/webhooks/${encodeURIComponent(id)}`
