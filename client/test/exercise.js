/**
 * What the client does on a platform: in each Node and in the browser the same calls of the built server. Plain
 * JavaScript, because the platforms run it as it is.
 */

/**
 * @param lib  All exports of `@countersign/client` and of `@countersign/client/testing`.
 * @param given  `url`, `lossyUrl`, `key`, `eventsKey`, `inbox`, `app`, `to`, `webhooks`: signed requests with their secrets.
 * @returns Plain values, for the test to look at.
 */
export async function exercise(lib, given) {
  const { TestClient, proofs, webhooks, CountersignError } = lib
  const client = new TestClient({ url: given.url, key: given.key, inbox: given.inbox })
  const reader = client.withOptions({ key: given.eventsKey })
  const lossy = client.withOptions({ url: given.lossyUrl })
  const errorOf = (act) =>
    act.then(
      () => null,
      (error) => (error instanceof CountersignError ? [error.type, error.status] : `${error}`),
    )

  const started = await client.verifications.start({ to: given.to, subject: given.subject })
  const wrong = await lossy.verifications.check(started.id, '000000')
  const code = await client.codeFor(given.to, { since: started.created_at })
  const right = await lossy.verifications.check(started.id, code)
  const again = await client.verifications.check(started.id, code)
  const claims = await proofs.verify(right.proof, {
    url: given.url,
    issuer: given.issuer,
    audience: `test:${given.app}`,
  })
  const elsewhere = await errorOf(
    proofs.verify(right.proof, { url: given.url, issuer: given.issuer, audience: 'other' }),
  )

  const state = (await client.verifications.get(started.id)).state

  // A message is recorded as sent a moment after it is there, so these two may change places with others.
  const events = []
  for await (const { type, data } of lossy
    .withOptions({ key: given.eventsKey })
    .events({ waitS: 5, signal: AbortSignal.timeout(60_000) })) {
    if (data.verification === started.id) events.push(type)
    if (events.includes('verification.used') && events.includes('verification.sent')) break
  }

  const received = []
  for (const { headers, body, secret } of given.webhooks)
    received.push(
      (await webhooks.verify(new Request('http://a.example', { method: 'POST', headers, body }), secret)).id,
    )
  const forged = await errorOf(
    webhooks.verify({ ...given.webhooks[0], body: '{}' }, given.webhooks[0].secret),
  )

  const abort = new AbortController()
  setTimeout(() => abort.abort(new Error('stopped')), 20)
  const aborted = await reader
    .events({ types: ['verification.cancelled'], signal: abort.signal })
    .next()
    .catch((error) => error.message)

  return {
    code: code.length,
    wrong: [wrong.result, wrong.reason, wrong.submissions_left],
    right: right.result,
    again: [again.result, again.reason],
    claims: [claims.jti === started.id, claims.sub],
    elsewhere,
    state,
    events: events.toSorted(),
    aborted,
    received,
    forged,
    unknown: await errorOf(client.verifications.check('ver_0', '1')),
    refused: await errorOf(client.verifications.start({ to: 'nobody' })),
    stranger: await errorOf(client.withOptions({ key: 'ck_test_x' }).verifications.check(started.id, '1')),
  }
}
