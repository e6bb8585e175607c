import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureOf, never, phoneMessage, startCarrier } from '../../../test/http-carrier.ts'

test('a message for which a carrier has no template id is refused without a call, and a recovery has a substitute', async (t) => {
  const { provider, requests, answer } = await startCarrier(t, {
    carrier: 'msg91',
    authKey: 'the-key',
    receiptSecret: 's3cret',
    templateIds: { code: 'of-codes', 'contact-changed': 'of-changes' },
  })
  const sent: readonly { readonly json: unknown }[] = requests
  const failure = await failureOf(provider.send({ ...phoneMessage, template: 'password-changed' }, never))
  assert.deepEqual([failure.kind, failure.providerCode], ['refused', 'templateIds has no password-changed'])
  assert.equal(sent.length, 0)
  answer({ status: 200, body: { type: 'success', message: '1' } })
  await provider.send({ ...phoneMessage, template: 'recovery-started' }, never)
  assert.equal((sent[0]!.json as { template_id: string }).template_id, 'of-changes')
})
