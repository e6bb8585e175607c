import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { AppError } from '../errors.ts'
import { loadSettings } from './load-settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-routes-'))
after(() => rmSync(folder, { recursive: true }))

const carriers = `providers:
  a: { type: sandbox, receipts: 1s, cost: 0.02 }
  b: { type: sandbox }
  m: { type: smtp, host: mx, from: { address: a@example.com } }
`

function load(yaml: string) {
  const file = join(folder, 'settings.yaml')
  writeFileSync(file, carriers + yaml)
  return loadSettings({ file, env: {}, flags: {}, isDevelopment: true }).settings.routes
}

function problemsOf(yaml: string): string[] {
  try {
    load(yaml)
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'config.invalid', String(error))
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^- /, ''))
  }
  return []
}

test('without routes each channel has one, of all that serve it as listed', () => {
  assert.deepEqual(
    load('').map(({ name, steps }) => [name, steps.map((step) => step.provider).join(' ')]),
    [
      ['routes.sms', 'a b'],
      ['routes.email', 'a b m'],
      ['routes.voice', 'a b'],
      ['routes.whatsapp', 'a b'],
    ],
  )
})

test('routes keep their order, and what they say', () => {
  const [first, second] = load(`policy: { lifetime: { sms: 2m } }
routes:
  sms:
    - { countries: [CN, HK], tenants: [acme], providers: [{ name: a, weight: 3 }, { name: b, weight: 1 }], order: weighted }
    - { providers: [a], second: { channel: voice, after: 20s } }
`)
  assert.deepEqual(first, {
    name: 'routes.sms.0',
    channel: 'sms',
    countries: ['CN', 'HK'],
    tenants: ['acme'],
    apps: null,
    steps: [
      { provider: 'a', weight: 3 },
      { provider: 'b', weight: 1 },
    ],
    order: 'weighted',
    worth: 1,
    second: null,
  })
  assert.deepEqual(second?.second, { channel: 'voice', afterMs: 20_000 })
})

const impossible: readonly (readonly [yaml: string, problem: RegExp])[] = [
  ['routes: { sms: [a, c] }', /^routes\.sms: c is not among the providers/],
  ['routes: { sms: [m] }', /^routes\.sms: m is no provider of sms/],
  ['routes: { sms: [a, a] }', /^routes\.sms: a is listed twice/],
  ['routes: { sms: [a, { providers: [b] }] }', /^routes\.sms: is either a list of carriers, or/],
  ['routes: { sms: [{ providers: [] }] }', /^routes\.sms/],
  ['routes: { sms: [{ provider: [a] }] }', /^routes\.sms/],
  ['routes: { fax: [a] }', /^routes\.fax: is not a setting/],
  [
    'routes: { sms: [{ countries: [UK], providers: [a] }, { providers: [a] }] }',
    /UK is no region; did you mean GB/,
  ],
  [
    'routes: { email: [{ countries: [CN], providers: [m] }] }',
    /^routes\.email\.0\.countries: e-mail goes to no/,
  ],
  [
    'routes: { sms: [{ providers: [a, b], order: weighted }] }',
    /^routes\.sms\.0: order weighted needs a weight/,
  ],
  ['routes: { sms: [{ providers: [{ name: a, weight: 2 }] }] }', /^routes\.sms\.0: weights are only for/],
  ['routes: { sms: [{ providers: [a], worth: 2 }] }', /^routes\.sms\.0\.worth: is only for order measured/],
  ['routes: { sms: [{ providers: [a, b], order: measured }] }', /^routes\.sms\.0\.worth: must be stated/],
  [
    'routes: { sms: [{ providers: [a, b], order: measured, worth: 0.01 }] }',
    /^routes\.sms\.0\.worth: is 0\.01, no more than the cost/,
  ],
  [
    'routes: { sms: [{ providers: [a] }, { countries: [CN], providers: [b] }] }',
    /^routes\.sms\.1: can never be taken, for routes\.sms\.0 takes all/,
  ],
  [
    'routes: { sms: [{ countries: [CN], providers: [a] }] }',
    /^routes\.sms: no route takes every country, but policy\.countries allows all/,
  ],
  [
    'policy: { countries: [CN, HK] }\nroutes: { sms: [{ countries: [CN], providers: [a] }] }',
    /^routes\.sms: no route takes HK/,
  ],
  [
    'policy: { countries: [CN] }\napps: { x: { countries: [CN, US] } }\nroutes: { sms: [{ countries: [CN], providers: [a] }] }',
    /^routes\.sms: no route takes US/,
  ],
  [
    'policy: { countries: [CN] }\nroutes: { sms: [{ tenants: [t], providers: [a] }] }',
    /^routes\.sms: no route takes CN/,
  ],
  [
    'routes: { sms: [{ providers: [b], second: { channel: voice, after: 10s } }] }',
    /^routes\.sms\.0\.second: b gives no receipts/,
  ],
  [
    'routes: { sms: [{ providers: [a], second: { channel: voice, after: 45s } }] }',
    /^routes\.sms\.0\.second\.after: must leave 20s .* with policy\.lifetime\.sms of 60s it is at most 40s/,
  ],
  [
    'routes: { sms: [{ providers: [a], second: { channel: email, after: 10s } }] }',
    /^routes\.sms\.0\.second: a code goes to the address it proves/,
  ],
  [
    'routes: { sms: [{ providers: [a], second: { channel: sms, after: 10s } }] }',
    /^routes\.sms\.0\.second\.channel: sms once more needs a second carrier/,
  ],
  [
    'routes: { voice: [], sms: [{ providers: [a], second: { channel: voice, after: 10s } }] }',
    /^routes\.sms\.0\.second\.channel: nothing serves voice/,
  ],
  [
    'routes: { sms: [{ providers: [a], second: { channel: voice, after: 2s } }] }',
    /^routes\.sms\.0\.second\.after: must be at least 5s/,
  ],
  [
    'apps: { x: { lifetime: { sms: 30s } } }\nroutes: { sms: [{ providers: [a], second: { channel: voice, after: 15s } }] }',
    /^routes\.sms\.0\.second\.after: must leave 20s .* with apps\.x\.lifetime\.sms of 30s it is at most 10s/,
  ],
  [
    'policy: { lifetime: { sms: 20s } }\nroutes: { sms: [{ providers: [a], second: { channel: voice, after: 5s } }] }',
    /^routes\.sms\.0\.second: policy\.lifetime\.sms of 20s leaves no time for a second; make it at least 25s/,
  ],
  [
    'routes: { voice: [{ countries: [US], providers: [a] }], sms: [{ providers: [a], second: { channel: voice, after: 10s } }] }',
    /^routes\.sms\.0\.second\.channel: no route of voice takes every country/,
  ],
  [
    'policy: { countries: [CN, US] }\nroutes: { voice: [{ countries: [US], providers: [a] }], sms: [{ providers: [a], second: { channel: voice, after: 10s } }] }',
    /^routes\.sms\.0\.second\.channel: no route of voice takes CN for/,
  ],
  [
    'policy: { countries: [CN] }\napps: { x: { countries: all } }\nroutes: { sms: [{ countries: [CN], providers: [a] }, { apps: [y], providers: [b] }] }',
    /^routes\.sms: no route takes every country, but apps\.x\.countries allows all/,
  ],
  [
    'policy: { countries: [CN] }\nroutes: { sms: [{ apps: [x], providers: [a] }] }',
    /^routes\.sms: no route takes CN, which policy\.countries allows/,
  ],
]

const possible: readonly string[] = [
  'policy: { countries: [CN] }\napps: { x: { countries: [CN, US] } }\nroutes: { sms: [{ countries: [CN], providers: [a] }, { apps: [x], countries: [US], providers: [b] }] }',
  'policy: { countries: [CN] }\napps: { x: { countries: all } }\nroutes: { sms: [{ apps: [x], providers: [a] }, { countries: [CN], providers: [b] }] }',
  'policy: { countries: [CN, US] }\nroutes: { voice: [{ countries: [US], providers: [a] }], sms: [{ countries: [CN], providers: [b] }, { providers: [a], second: { channel: voice, after: 10s } }] }',
  'policy: { countries: [CN, US] }\nroutes: { voice: [{ countries: [US], providers: [a] }, { countries: [CN], providers: [b] }], sms: [{ providers: [a], second: { channel: voice, after: 10s } }] }',
  'policy: { countries: [US] }\nroutes: { voice: [{ countries: [US], providers: [a] }], sms: [{ countries: [CN, US], providers: [a], second: { channel: voice, after: 10s } }] }',
  'apps: { x: { lifetime: { sms: 2m } } }\nroutes: { sms: [{ apps: [x], providers: [a], second: { channel: voice, after: 90s } }, { providers: [a] }] }',
  'apps: { x: { lifetime: { sms: 10s } } }\nroutes: { sms: [{ apps: [x], providers: [a] }, { apps: [y], providers: [a], second: { channel: voice, after: 20s } }, { providers: [b] }] }',
]

for (const yaml of possible)
  test(`taken: ${yaml.replaceAll('\n', ' ')}`, () => assert.deepEqual(problemsOf(yaml), []))

for (const [yaml, problem] of impossible)
  test(`refused: ${yaml.replaceAll('\n', ' ')}`, () => {
    const problems = problemsOf(yaml)
    assert.ok(
      problems.some((one) => problem.test(one)),
      problems.join('\n') || 'nothing was refused',
    )
  })

const slips: readonly (readonly [yaml: string, problem: string])[] = [
  [
    'routes: { sms: [{ providers: [a], ordr: weighted }] }',
    'routes.sms.0.ordr: is not a setting; did you mean order?',
  ],
  [
    'routes: { sms: [{ providers: [{ name: a, weight: 0 }], order: weighted }] }',
    'routes.sms.0.providers.0.weight: must be more than 0; found 0',
  ],
  [
    'routes: { sms: [{ providers: [a], order: random }] }',
    'routes.sms.0.order: must be one of the values docs/config.md lists for it; found "random"',
  ],
  ['routes: { sms: [{ countries: [CN] }] }', 'routes.sms.0.providers: must be stated'],
  [
    'routes: { sms: [{ providers: [a], second: { channel: voice } }] }',
    'routes.sms.0.second.after: must be stated',
  ],
]

for (const [yaml, problem] of slips)
  test(`a slip in a route is told in one sentence: ${problem}`, () =>
    assert.deepEqual(problemsOf(yaml), [problem]))

test('everything that cannot work in a plan is told at once', () => {
  const problems = problemsOf(`routes:
  sms: [{ countries: [UK], providers: [m, c] }, { providers: [b], second: { channel: voice, after: 2s } }]
`)
  assert.equal(problems.length, 5, problems.join('\n'))
})
