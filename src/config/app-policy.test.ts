import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../errors.ts'
import type { AppPolicy } from '../flows/policy.ts'
import { defaultPolicy, policyWith } from './app-policy.ts'

/** The problems of overrides that are refused. */
function refusalOf(overrides: Record<string, unknown>): string {
  try {
    policyWith(defaultPolicy, overrides)
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'config.invalid')
    return error.message
  }
  return ''
}

test('no overrides leave the policy as it is', () => {
  assert.equal(policyWith(defaultPolicy, {}), defaultPolicy)
})

test('an override changes what it names and nothing else', () => {
  const policy = policyWith(defaultPolicy, {
    lifetime: { email: '5m' },
    limits: { issues: { member: ['7/2h'], app: { burst: 9 } }, wrong: { network: ['500/1h'] } },
  })
  const { issues, wrong } = defaultPolicy.limits
  assert.deepEqual(policy, {
    ...defaultPolicy,
    lifetimeMs: { sms: 60_000, email: 300_000, reset: 180_000 },
    limits: {
      ...defaultPolicy.limits,
      issues: { ...issues, member: [{ max: 7, perMs: 7_200_000 }], app: { ...issues.app, burst: 9 } },
      wrong: { ...wrong, network: [{ max: 500, perMs: 3_600_000 }] },
    },
  })
})

test('overrides lie over one another, the later wins', () => {
  const base = policyWith(defaultPolicy, { lifetime: { sms: '2m' }, countries: ['CN'] })
  const policy = policyWith(base, { lifetime: { sms: '3m' }, countries: 'all' })
  assert.equal(policy.lifetimeMs.sms, 180_000)
  assert.equal(policy.regions, null)
})

test('profile strict is eight digits, a stated number wins, and an app may go back to the default', () => {
  const strict = policyWith(defaultPolicy, { profile: 'strict' })
  assert.equal(strict.digits, 8)
  assert.equal(policyWith(defaultPolicy, { profile: 'strict', digits: 10 }).digits, 10)
  assert.equal(policyWith(strict, { needsProof: false }).digits, 8)
  assert.equal(policyWith(strict, { profile: 'default' }).digits, 6)
})

test('N-2: a code’s life over ten minutes is refused, ten minutes is not', () => {
  for (const channel of ['sms', 'email']) {
    assert.match(
      refusalOf({ lifetime: { [channel]: '601s' } }),
      new RegExp(`lifetime.${channel}: .*at most 10m`),
    )
    assert.match(refusalOf({ lifetime: { [channel]: '1d' } }), /at most 10m/)
    assert.equal(refusalOf({ lifetime: { [channel]: '10m' } }), '')
  }
})

test('N-1: fewer than six digits are refused', () => {
  assert.match(refusalOf({ digits: 5 }), /^policy.digits: must be at least 6; found 5$/)
})

const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ lifetime: { sms: 60 } }, /lifetime\.sms: must be of type string; found 60; a time has its unit/],
  [{ lifetime: { sms: '60' } }, /lifetime\.sms: is not of the form a number with its unit/],
  [{ lifetime: { sms: '9s' } }, /lifetime\.sms: is 9s; a code lives at least 10s/],
  [{ lifetime: { voice: '60s' } }, /lifetime\.voice: is not a setting; known here: sms, email/],
  [{ maxSubmission: 5 }, /maxSubmission: is not a setting; did you mean maxSubmissions\?/],
  [{ maxSubmissions: 11 }, /maxSubmissions: must be at most 10/],
  [{ digits: 6.5 }, /digits/],
  [{ needsProof: 'yes' }, /needsProof: must be of type boolean; found "yes"/],
  [{ countries: ['UK'] }, /countries\.0: UK is no region; did you mean GB\?/],
  [{ countries: ['cn'] }, /countries/],
  [{ countries: [] }, /countries/],
  [{ calls: ['verfy'] }, /calls/],
  [{ limits: { issues: { member: ['10'] } } }, /limits\.issues\.member\.0: is not of the form COUNT\/TIME/],
  [{ limits: { wrong: { member: [] } } }, /limits\.wrong\.member: needs at least one limit/],
  [{ limits: { wrong: { memberAddress: ['101/30d'] } } }, /limits\.wrong\.memberAddress: .*at most 100/],
  [{ limits: { submissions: { address: ['30/60s'] } } }, /limits\.submissions\.address: is not a setting/],
  [{ limits: { submissions: { memberAddress: [] } } }, /limits\.submissions\.memberAddress: needs/],
  [
    { tellsClientIp: ['app.local'] },
    /tellsClientIp: app\.local is no IP address or CIDR block, such as 10\.0/,
  ],
  [{ tellsClientIp: ['10.0.0.0/33', '::1'] }, /tellsClientIp: 10\.0\.0\.0\/33 is no IP address/],
  [{ tellsClientIp: ['010.0.0.1'] }, /tellsClientIp: 010\.0\.0\.1 is no IP address/],
  [
    { tellsClientIp: 'yes' },
    /tellsClientIp: must be one of the values docs\/config\.md lists for it; found "yes"/,
  ],
  [{ limits: { issues: { app: { perSecond: 0 } } } }, /perSecond: must be more than 0/],
  [{ pages: { returnUrls: ['http://shop.example/done'] } }, /returnUrls: http:.* is no https URL/],
  [{ pages: { returnUrls: ['https://shop.example/?a=1'] } }, /returnUrls: .* without query/],
  [{ pages: { returnUrls: ['shop.example'] } }, /returnUrls: shop\.example is no https URL/],
  [{ pages: { frameAncestors: ['https://shop.example/'] } }, /frameAncestors: .* is no origin/],
  [{ pages: { frameAncestors: ['*'] } }, /frameAncestors: \* is no origin/],
  [{ pages: { frameAncestors: ["https://a.example; script-src 'unsafe-inline'"] } }, /is no origin/],
]
const badPlans: typeof refused = [
  [{ plan: ['sms/1s'] }, /policy\.plan\.0: is sms\/1s; the first step is at 0/],
  [{ plan: ['sms/0s', 'voice/30s', 'sms/30s'] }, /plan\.2: .* each later one after the one before/],
  [
    { plan: ['sms/0s', 'voice/41s'] },
    /plan\.1: .* the code lives 60 s, and a step must come 20 s before its end/,
  ],
  [{ plan: ['sms/0s', 'voice/41s'], lifetime: { sms: '30s' } }, /the code lives 30 s/],
  [{ plan: ['sms/0s', 'email/30s'] }, /plan\.1: is not of the form CHANNEL\/TIME/],
  [{ plan: ['sms/0s', 'voice/9s', 'sms/18s', 'voice/27s', 'sms/36s'] }, /plan: /],
  [{ locale: 'fr-FR' }, /locale: must be one of the values .* found "fr-FR"/],
]
for (const [overrides, expected] of [...refused, ...badPlans])
  test(`refused: ${JSON.stringify(overrides)}`, () => assert.match(refusalOf(overrides), expected))

test('an app is believed about addresses from listed networks; true is this machine, and the app’s own list wins', () => {
  const from = (...all: Record<string, unknown>[]) =>
    all.reduce<AppPolicy>((base, one) => policyWith(base, one), defaultPolicy)
  assert.deepEqual(from().tellsClientIp, [])
  assert.deepEqual(from({ tellsClientIp: true }).tellsClientIp, ['127.0.0.0/8', '::1'])
  assert.deepEqual(from({ tellsClientIp: ['10.0.0.1'] }, { digits: 8 }).tellsClientIp, ['10.0.0.1'])
  assert.deepEqual(from({ tellsClientIp: ['10.0.0.1'] }, { tellsClientIp: false }).tellsClientIp, [])
})

test('a plan and a language of an app lie over those of all, and may be taken away again', () => {
  const all = policyWith(defaultPolicy, {
    plan: ['sms/0s', 'voice/70s/delivered'],
    locale: 'en-US',
    lifetime: { sms: '2m' },
  })
  assert.deepEqual(all.plan, [
    { channel: 'sms', afterMs: 0, unless: 'used' },
    { channel: 'voice', afterMs: 70_000, unless: 'delivered' },
  ])
  // Checked by the life that lies below it.
  assert.equal(policyWith(all, { plan: ['voice/0s', 'sms/100s'] }).plan[1]?.afterMs, 100_000)
  const own = policyWith(all, { plan: [], locale: 'region' })
  assert.deepEqual([own.plan, own.locale, all.locale], [[], null, 'en-US'])
})

test('every problem is told at once', () => {
  assert.equal(refusalOf({ digits: 4, maxSubmissions: 0, needsprof: true }).split('\n').length, 3)
})
