import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { AppError } from '../errors.ts'
import { type LoadedSettings, loadSettings } from './load-settings.ts'
import { scalars } from './settings-schema.ts'

type Given = {
  readonly yaml?: string
  readonly env?: Record<string, string>
  readonly flags?: Record<string, string>
  readonly isDevelopment?: boolean
  readonly isServing?: boolean
}

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function written(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function load({ yaml, env = {}, flags = {}, isDevelopment = true, isServing = true }: Given): LoadedSettings {
  const file = yaml === undefined ? null : written('settings.yaml', yaml)
  return loadSettings({ file, env, flags: { data: folder, ...flags }, isDevelopment, isServing })
}

/** The problems of settings that are refused, one on each line. */
function problems(given: Given): string[] {
  try {
    load(given)
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'config.invalid', String(error))
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^- /, ''))
  }
  return []
}

const sourceOf = (loaded: LoadedSettings, path: string) => {
  const found = loaded.sources.find((one) => one.path === path)
  return found && [found.value, found.source]
}

test('development needs nothing: both listeners on loopback, the sandbox for both channels', () => {
  const { settings } = loadSettings({ file: null, env: {}, flags: {}, isDevelopment: true })
  assert.deepEqual(settings.https, { host: '127.0.0.1', port: 8443 })
  assert.deepEqual(settings.http, { host: '127.0.0.1', port: 8080 })
  assert.equal(settings.dataFolder, join(process.cwd(), 'data'))
  assert.deepEqual(
    settings.routes.map(({ channel, steps }) => [channel, steps.map((step) => step.provider).join()]),
    [
      ['sms', 'sandbox'],
      ['email', 'sandbox'],
      ['voice', 'sandbox'],
      ['whatsapp', 'sandbox'],
    ],
  )
  assert.equal(settings.policy.digits, 6)
  assert.deepEqual(settings.policy.lifetimeMs, { sms: 60_000, email: 60_000, reset: 180_000 })
  assert.equal(settings.policy.regions, null)
  assert.equal(settings.hasLimits, true)
})

test('settings cannot be changed once they are read', () => {
  const { settings } = load({})
  assert.ok(Object.isFrozen(settings))
  assert.ok(Object.isFrozen(settings.policy.limits.issues.address.windows))
  assert.throws(() => Object.assign(settings.policy.lifetimeMs, { sms: 1 }), TypeError)
})

test('the environment wins over the file, a flag over both, and each tells where it came from', () => {
  const loaded = load({
    yaml: 'http: 127.0.0.1:1\nhttps: 127.0.0.1:2\nretention: 2d',
    env: { COUNTERSIGN_HTTP: '127.0.0.1:3', COUNTERSIGN_HTTPS: '127.0.0.1:4' },
    flags: { https: '[::1]:0' },
  })
  assert.deepEqual(sourceOf(loaded, 'retention'), ['2d', 'file'])
  assert.deepEqual(sourceOf(loaded, 'http'), ['127.0.0.1:3', 'environment'])
  assert.deepEqual(sourceOf(loaded, 'https'), ['[::1]:0', 'flag'])
  assert.deepEqual(sourceOf(loaded, 'keyRing'), [join(folder, 'master.key'), 'default'])
  assert.deepEqual(loaded.settings.https, { host: '::1', port: 0 })
})

test('every scalar setting has an environment name of its own that sets it', () => {
  const words: Record<string, string> = {
    boolean: 'true',
    integer: '7',
    number: '7',
    array: '5/1h,6/2d',
  }
  const special: Record<string, string> = {
    'undo.window': '48h',
    'undo.bar': '12h',
    'undo.recoveryWait': '12h',
    https: 'off',
    http: '[::1]:0',
    trustedProxies: '10.0.0.0/8,::1',
    'webhooks.allowPrivate': 'hooks.internal,10.0.0.0/8',
    'numbers.allow': '+86149,+1436:CA',
    'numbers.refuse': '+86170',
    'mailboxes.dots': 'docomo.ne.jp',
    publicUrl: 'https://codes.example.com',
    store: 'postgres://u@db.example.com/d',
    hot: 'redis://127.0.0.1',
    'redis.tls': 'verify',
    'redis.caFile': join(folder, 'x'),
    'redis.waitReplicas': '1',
    'redis.waitFor': 'disk',
    'redis.waitTimeout': '200ms',
    'postgres.tls': 'verify',
    'postgres.caFile': join(folder, 'x'),
    'postgres.direct': '127.0.0.1:5432',
    limits: 'none',
    addressCap: '30/12h',
    'admin.listen': '127.0.0.1:8090',
    'metrics.listen': '127.0.0.1:9464',
    'templates.smsParts': '2',
    drain: '3s',
    retention: '2d',
    'log.level': 'warn',
    'log.requests': 'all',
    'routes.sms': 'sandbox',
    'routes.email': 'sandbox',
    'routes.voice': 'sandbox',
    'routes.whatsapp': 'sandbox',
    'policy.origins': 'shop.example',
    'policy.appHashes': 'FA+9qCX9VSu',
    'policy.plan': 'sms/0s,voice/50s/delivered',
    'policy.locale': 'en-US',
    'policy.profile': 'strict',
    'policy.tellsClientIp': '192.0.2.0/24, 2001:db8::5',
    'policy.keyOverlap': '1h',
    'policy.lifetime.sms': '2m',
    'policy.lifetime.email': '3m',
    'policy.lifetime.reset': '4m',
    'policy.countries': 'CN,HK',
    'policy.calls': 'send,verify',
    proofAlgorithm: 'ES256',
    'policy.proofToken.form': 'hashed',
    'policy.proofToken.lifetime': '1h',
    'policy.pages.returnUrls': 'https://shop.example/done',
    'policy.pages.frameAncestors': 'https://shop.example',
    'policy.limits.issues.address.gaps': '1s,2s',
    'policy.limits.issues.app.perDay': '9',
  }
  const env: Record<string, string> = {}
  for (const { path, env: name, schema } of scalars()) {
    assert.equal(env[name], undefined, `${name} stands for two settings`)
    env[name] = special[path.join('.')] ?? words[schema.type ?? ''] ?? 'x'
  }
  writeFileSync(join(folder, 'x'), '')
  delete env.COUNTERSIGN_POSTGRES_PASSWORD_FILE // instead of the password, not beside it
  delete env.COUNTERSIGN_REDIS_PASSWORD_FILE
  const loaded = load({
    env: { ...env, COUNTERSIGN_TLS_CERTIFICATE: folder, COUNTERSIGN_TLS_KEY: folder },
    isServing: false, // no certificate is there
  })
  for (const { path, source } of loaded.sources)
    if (
      !path.startsWith('providers.') &&
      !['data', 'postgres.passwordFile', 'redis.passwordFile'].includes(path)
    )
      assert.equal(source, 'environment', path)
  const { policy, trustedProxies } = loaded.settings
  assert.equal(policy.lifetimeMs.sms, 120_000)
  assert.equal(policy.lifetimeMs.reset, 240_000)
  assert.deepEqual(policy.plan[1], { channel: 'voice', afterMs: 50_000, unless: 'delivered' })
  assert.equal(policy.locale, 'en-US')
  assert.deepEqual(policy.regions, ['CN', 'HK'])
  assert.deepEqual(policy.proofToken, { form: 'hashed', lifetimeMs: 3_600_000 })
  assert.deepEqual(policy.limits.issues.address.gapsMs, [1000, 2000])
  assert.equal(policy.limits.issues.app.perDay, 9)
  assert.deepEqual(trustedProxies, ['10.0.0.0/8', '::1'])
  assert.deepEqual(policy.tellsClientIp, ['192.0.2.0/24', '2001:db8::5'])
  assert.deepEqual(loaded.settings.addressCap, { max: 30, perMs: 12 * 3_600_000 })
})

test('a carrier’s settings have environment names too', () => {
  const { settings } = load({ env: { COUNTERSIGN_PROVIDERS_SANDBOX_DELAY: '2s' } })
  assert.equal(settings.providers.sandbox?.type === 'sandbox' && settings.providers.sandbox.delayMs, 2000)
})

test('a PostgreSQL store is a place, a user and a database; its password is shown nowhere', () => {
  const storeOf = (yaml: string, env = {}) => {
    const loaded = load({ yaml, env })
    assert.doesNotMatch(JSON.stringify(loaded.sources), /hunter2/)
    return loaded.settings.store
  }
  const far = { host: 'db.example.com', port: 5432 }
  assert.deepEqual(
    storeOf('store: postgres://u@db.example.com/d', { COUNTERSIGN_POSTGRES_PASSWORD: 'hunter2' }),
    {
      engine: 'postgres',
      ...far,
      user: 'u',
      database: 'd',
      password: 'hunter2',
      tls: 'verify',
      caFile: null,
      connections: 10,
      direct: far,
      hot: null,
    },
  )
  const near = storeOf(
    'store: "postgresql://a%40b@[::1]:6432/d"\npostgres: { connections: 4, direct: "127.0.0.1:5432" }',
  )
  assert.deepEqual(near, {
    engine: 'postgres',
    host: '::1',
    port: 6432,
    user: 'a@b',
    database: 'd',
    password: null,
    tls: 'off',
    caFile: null,
    connections: 4,
    direct: { host: '127.0.0.1', port: 5432 },
    hot: null,
  })
  const socket = storeOf('store: postgres://u@%2Fvar%2Frun%2Fpostgresql/d')
  assert.ok(socket.engine === 'postgres' && socket.host === '/var/run/postgresql' && socket.tls === 'off')
})

test('Redis beside the store is one server, one behind Sentinels, or a cluster', () => {
  const store = 'store: postgres://u@db.example.com/d\n'
  const hotOf = (yaml: string, env = {}) => {
    const loaded = load({ yaml: store + yaml, env })
    assert.doesNotMatch(JSON.stringify(loaded.sources), /hunter2/)
    return loaded.settings.store.engine === 'postgres' && loaded.settings.store.hot
  }
  const defaults = {
    password: null,
    caFile: null,
    masterName: null,
    user: null,
    prefix: 'countersign',
    wait: null,
  }
  assert.deepEqual(hotOf('hot: redis://127.0.0.1:6380', { COUNTERSIGN_REDIS_PASSWORD: 'hunter2' }), {
    ...defaults,
    kind: 'single',
    endpoints: [{ host: '127.0.0.1', port: 6380 }],
    tls: 'off',
    password: 'hunter2',
  })
  assert.deepEqual(hotOf('hot: redis+sentinel://cs@a.example.com,b.example.com:26380/main'), {
    ...defaults,
    kind: 'sentinel',
    endpoints: [
      { host: 'a.example.com', port: 26_379 },
      { host: 'b.example.com', port: 26_380 },
    ],
    masterName: 'main',
    user: 'cs',
    tls: 'verify',
  })
  const wait = 'redis: { prefix: eu, waitReplicas: 1, waitFor: disk, waitTimeout: 200ms }'
  assert.deepEqual(hotOf(`hot: "redis+cluster://a.example.com:7000,[::1]:7001"\n${wait}`), {
    ...defaults,
    kind: 'cluster',
    endpoints: [
      { host: 'a.example.com', port: 7000 },
      { host: '::1', port: 7001 },
    ],
    tls: 'verify',
    prefix: 'eu',
    wait: { replicas: 1, isOnDisk: true, timeoutMs: 200 },
  })
})

test('what Redis cannot be, or cannot be beside, is told with its remedy', () => {
  const store = 'store: postgres://u@db.example.com/d\n'
  for (const [yaml, told] of [
    [
      'hot: redis://127.0.0.1',
      /hot: needs a store that several processes share beside it; state store: postgres/,
    ],
    [`${store}hot: 127.0.0.1:6379`, /hot: must be redis:\/\/USER@HOST:PORT, redis\+sentinel/],
    [`${store}hot: redis://a.example.com,b.example.com`, /hot: must be/],
    [`${store}hot: redis+sentinel://a.example.com`, /hot: must be/],
    [`${store}hot: redis://%zz@a.example.com`, /hot: must be/],
    [`${store}hot: redis://u:hunter2@a.example.com`, /hot: must not hold a password/],
    [`${store}redis: { prefix: a }`, /redis: is of no use without hot/],
    [`${store}hot: redis://a\nredis: { waitTimeout: 900ms }`, /redis.waitTimeout: must be from 1ms to 700ms/],
    [`${store}hot: redis://a\nredis: { caFile: /nowhere.pem }`, /redis.caFile: \/nowhere.pem does not exist/],
  ] as const)
    assert.throws(() => load({ yaml }), told, yaml)
})

const mail = `providers:
  my-mail: { type: smtp, host: mail.example.com, user: u, from: { address: a@example.com } }`

test('bounces need a domain, and get a place to listen and a secret in the data folder', () => {
  const { settings } = load({
    yaml: `providers: { m: { type: smtp, host: mx, from: { address: a@example.com }, bounces: { domain: B.Example.com } } }`,
  })
  const provider = settings.providers.m
  assert.deepEqual(provider?.type === 'smtp' && provider.bounces, {
    listen: { host: '127.0.0.1', port: 2525 },
    domain: 'b.example.com',
    secretFile: join(folder, 'bounces.key'),
  })
})

test('a password may come from the file, a file of its own or the environment, and is never shown', () => {
  const inFile = mail.replace('user: u', 'user: u, password: hunter2')
  const ownFile = written('password', 'hunter2\n')
  for (const given of [
    { yaml: inFile },
    { yaml: mail, env: { COUNTERSIGN_PROVIDERS_MY_MAIL_PASSWORD: 'hunter2' } },
    { yaml: mail, env: { COUNTERSIGN_PROVIDERS_MY_MAIL_PASSWORD_FILE: ownFile } },
    { yaml: mail.replace('user: u', `user: u, passwordFile: ${ownFile}`) },
  ]) {
    const loaded = load(given)
    const provider = loaded.settings.providers['my-mail']
    assert.equal(provider?.type === 'smtp' && provider.password, 'hunter2')
    assert.doesNotMatch(JSON.stringify(loaded.sources), /hunter2/)
  }
  assert.deepEqual(problems({ yaml: mail }), [
    'providers.my-mail: user and password (or passwordFile) go together',
  ])
})

test('no problem shows a password, a code or a key', () => {
  const canary = 'canary-7'
  const told = problems({
    yaml: `${mail.replace('user: u', `password: { a: ${canary} }, passwordFile: [${canary}]`)}
testAddresses: [{ address: ${canary}, code: ${canary}, until: 2030-01-01 }]
passwort: ${canary}`,
    env: { COUNTERSIGN_PROVIDERS_MY_MAIL_PASSWOR: canary },
  })
  assert.ok(told.length >= 4, told.join('\n'))
  assert.doesNotMatch(told.join('\n'), /canary/)
})

test('a slip in an environment name is refused, a stranger’s is let be', () => {
  assert.deepEqual(problems({ env: { COUNTERSIGN_POLICY_LIFETIM_SMS: '2m' } }), [
    'COUNTERSIGN_POLICY_LIFETIM_SMS: is not a setting; did you mean COUNTERSIGN_POLICY_LIFETIME_SMS?',
  ])
  assert.deepEqual(
    problems({ env: { COUNTERSIGN_SERVICE_HOST: '10.0.0.1', COUNTERSIGN_PORT: 'tcp://x' } }),
    [],
  )
})

const refused: readonly (readonly [yaml: string, expected: RegExp])[] = [
  ['htps: 127.0.0.1:1', /^htps: is not a setting; did you mean https\?$/],
  ['policy: { lifetime: { sms: 11m } }', /^policy\.lifetime\.sms: is 11m; .*at most 10m/],
  ['policy: { keyOverlap: 31d }', /^policy\.keyOverlap: is 31d; .* at most 30d more$/],
  ['policy: { digits: 4 }', /^policy\.digits: must be at least 6; found 4$/],
  ['apps: { abc: { digits: 4 } }', /^apps\.abc\.digits: must be at least 6/],
  ['passwords: { wrong: { otherNetworks: [51/30d] } }', /^passwords\.wrong\.otherNetworks: .*none above 50/],
  [
    'passwords: { wrong: { usedNetworks: [] } }',
    /^passwords\.wrong\.usedNetworks: needs a limit over at least 24h/,
  ],
  [
    'passwords: { wrong: { accountNetwork: [5/1m] } }',
    /^passwords\.wrong\.accountNetwork: needs a limit over/,
  ],
  ['passwords: { wrong: { network: [301/1h] } }', /^passwords\.wrong\.network: at most 300/],
  ['retention: 30', /^retention: must be of type string; found 30/],
  ['retention: 5m', /^retention: must be at least 1h/],
  ['http: 127.0.0.1', /^http: must be HOST:PORT/],
  ['http: 127.0.0.1:65536', /^http: must be HOST:PORT/],
  ['http: "::1:80"', /^http: must be HOST:PORT/],
  ['http: 0.0.0.0:8080', /^http: 0\.0\.0\.0 is not a loopback address/],
  ['http: 127.example.com:8080', /^http: 127\.example\.com is not a loopback address/],
  ['http: 127.0.0.999:8080', /^http: 127\.0\.0\.999 is not a loopback address/],
  ['admin: { listen: "127.example.com:80" }', /^admin\.listen: 127\.example\.com is not a loopback address/],
  [
    'metrics: { listen: "192.0.2.1:9090" }',
    /^metrics\.listen: 192\.0\.2\.1 is not a loopback address; state metrics\.tokenFile/,
  ],
  [
    'metrics: { listen: "192.0.2.1:9090", tokenFile: t }',
    /^metrics\.listen: 192\.0\.2\.1 is not a loopback address; state tls/,
  ],
  ['{ http: "off", metrics: { listen: http } }', /^metrics\.listen: is http, but http is off/],
  ['publicUrl: http://127.example.com', /^publicUrl: must be https/],
  ['{ http: "off", https: "off" }', /^https, http: at least one must listen/],
  ['store: postgres://x', /^store: must be sqlite:FILE or postgres:/],
  ['store: mysql://u@h/d', /^store: must be sqlite:FILE or postgres:/],
  ['store: postgres://u%zz@h/d', /^store: must be sqlite:FILE or postgres:/],
  ['store: postgres://u:hush@h/d', /^store: must not hold a password/],
  ['store: postgres://u@h/d?sslmode=off', /^store: takes nothing behind the database/],
  ['{ store: postgres://u@h/d, postgres: { direct: h } }', /^postgres\.direct: must be HOST:PORT/],
  ['{ store: postgres://u@h/d, postgres: { listen: h:5432 } }', /^postgres\.listen: is not a setting/],
  ['{ store: postgres://u@h/d, postgres: { connections: 1 } }', /^postgres\.connections: must be at least 4/],
  [
    '{ store: postgres://u@h/d, postgres: { caFile: /no/ca.pem } }',
    /^postgres\.caFile: \/no\/ca\.pem does not/,
  ],
  ['postgres: { connections: 5 }', /^postgres: is of no use with this store/],
  ['trustedProxies: [proxy.local]', /^trustedProxies: proxy\.local is no IP address/],
  ['webhooks: { allowPrivate: [10.0.0.0/33] }', /^webhooks.allowPrivate: 10\.0\.0\.0\/33 is no host/],
  ['trustedProxies: [10.0.0.0/33]', /^trustedProxies: 10\.0\.0\.0\/33/],
  ['log: { level: loud }', /^log\.level: must be one of/],
  ['tls: { certificate: a.pem }', /^tls\.key: must be stated/],
  ['tls: { certificate: /no/a.pem, key: /no/b.pem }', /^tls: \/no\/a\.pem does not exist/],
  ['providers: { a: { type: pigeon } }', /^providers\.a\.type: must be one of sandbox, smpp, smtp, http/],
  ['providers: { A b: { type: sandbox } }', /^providers\.A b: a name takes a-z/],
  ['providers: { a: { type: sandbox, lossRate: 2 } }', /^providers\.a\.lossRate: must be at most 1; found 2/],
  ['providers: { a: { type: smtp } }', /^providers\.a\.host: must be stated/],
  [
    'providers: { a: { type: smtp, host: mx, security: none, from: { address: a@example.com } } }',
    /^providers\.a\.security: none is only for a mail server on this machine/,
  ],
  [
    'providers: { a: { type: smtp, host: mx, from: { address: not-one } } }',
    /^providers\.a\.from\.address: is no valid e-mail address/,
  ],
  [
    'providers: { a: { type: smtp, host: mx, from: { address: a@example.com }, dkim: { domain: d, selector: s, privateKeyFile: /no } } }',
    /^providers\.a\.dkim\.privateKeyFile: \/no does not exist/,
  ],
  [
    'providers: { a: { type: smtp, host: mx, from: { address: a@example.com }, bounces: {} } }',
    /^providers\.a\.bounces\.domain: must be stated/,
  ],
  [
    'providers: { a: { type: smtp, host: mx, from: { address: a@example.com }, bounces: { domain: here } } }',
    /^providers\.a\.bounces\.domain: here is no domain that mail could come to/,
  ],
  [
    'providers: { a: { type: smtp, host: mx, from: { address: a@example.com }, bounces: { domain: b.example.com, listen: 2525 } } }',
    /^providers\.a\.bounces\.listen: must be/,
  ],
  [
    'providers: { a: { type: smtp, host: mx, from: { address: a@example.com }, bounces: { domain: b.example.com, listen: here } } }',
    /^providers\.a\.bounces\.listen: must be HOST:PORT, such as 127\.0\.0\.1:2525/,
  ],
  ['routes: { sms: [other] }', /^routes\.sms: other is not among the providers/],
  ["numbers: { allow: ['86149'] }", /^numbers\.allow\.0: must be a prefix with its plus/],
  ["numbers: { allow: ['+86149'], refuse: ['+86149'] }", /^numbers\.allow\.0: \+86149 is refused as well/],
  ["numbers: { refuse: ['170'] }", /^numbers\.refuse\.0: is not of the form/],
  ['mailboxes: { dots: [docomo] }', /^mailboxes\.dots\.0: is no domain of mailboxes/],
  [
    'testAddresses: [{ address: "123", code: "000000", until: 2030-01-01 }]',
    /^testAddresses\.0\.address: is no valid/,
  ],
  [
    'testAddresses: [{ address: a@example.com, code: "000000", until: 2030-13-01 }]',
    /^testAddresses\.0\.until: is no date/,
  ],
  [
    'testAddresses: [{ address: a@example.com, code: "12345", until: 2030-01-01 }]',
    /^testAddresses\.0\.code: is not of the form 6 to 10 digits$/,
  ],
  ['- a', /^must hold settings/],
  ['a: [', /./],
  ['http: 127.0.0.1:1\nhttp: 127.0.0.1:2', /unique/],
]
for (const [yaml, expected] of refused)
  test(`refused: ${yaml.replaceAll('\n', ' ')}`, () => {
    const told = problems({ yaml })
    assert.ok(
      told.some((one) => expected.test(one)),
      `${told.join('\n')}\ndoes not match ${expected}`,
    )
  })

test('every problem is told at once, over sections and beside missing things', () => {
  const told = problems({
    yaml: 'polici: 1\nretention: 5\nhttp: 10.0.0.1:80\npolicy: { digits: 4, maxSubmissions: 0 }',
    env: { COUNTERSIGN_BEHIND_PROXY: 'maybe' },
    isDevelopment: false,
  })
  for (const start of [
    'polici',
    'retention',
    'http',
    'policy.digits',
    'policy.maxSub',
    'keyRing',
    'tls',
    'providers',
    'COUNTERSIGN_BEHIND_PROXY',
  ])
    assert.ok(
      told.some((one) => one.startsWith(start)),
      `${start} is missing in\n${told.join('\n')}`,
    )
})

test('a file that is not there is told by its name', () => {
  const file = join(folder, 'none.yaml')
  assert.throws(
    () => loadSettings({ file, env: {}, flags: {}, isDevelopment: true }),
    /none\.yaml cannot be read \(ENOENT\)/,
  )
})

test('without --dev everything that is missing is told at once', () => {
  const told = problems({ isDevelopment: false })
  assert.deepEqual(
    told.map((one) => one.slice(0, one.indexOf(':'))),
    ['--config', 'keyRing', 'tls', 'providers'],
  )
  assert.deepEqual(problems({ isDevelopment: false, isServing: false }), [])
})

test('without --dev the sandbox is no carrier, and limits cannot be lifted', () => {
  const told = problems({
    yaml: 'providers: { a: { type: sandbox } }\nlimits: none\nbehindProxy: true',
    env: { COUNTERSIGN_KEY_RING_KEYS: 'x' },
    isDevelopment: false,
  })
  assert.deepEqual(
    told.map((one) => one.slice(0, one.indexOf(':'))),
    ['limits', 'providers.a', 'policy.countries'],
  )
})

test('every way to write a loopback address may be listened on without TLS', () => {
  for (const host of ['localhost', '127.9.9.9', '[::1]', '[::ffff:127.0.0.1]'])
    assert.deepEqual(problems({ yaml: `http: "${host}:8080"\npublicUrl: "http://${host}"` }), [], host)
})

test('a whole production file is taken; behind a proxy HTTPS is off unless it is stated', () => {
  const yaml = `${mail.replace('user: u, ', '')}\nbehindProxy: true\nhttp: 0.0.0.0:8080`
  const given = { yaml, env: { COUNTERSIGN_KEY_RING_KEYS: 'x' }, isDevelopment: false }
  const { settings } = load(given)
  assert.equal(settings.https, null)
  assert.deepEqual(
    settings.routes.map(({ channel, steps }) => [channel, steps.map((step) => step.provider).join()]),
    [['email', 'my-mail']],
  )
  assert.match(problems({ ...given, yaml: `${yaml}\nhttps: 0.0.0.0:8443` }).join(), /^tls: /)
})

test('a test address ends with its day, and is known by its identity', () => {
  const { settings } = load({
    yaml: 'testAddresses: [{ address: App.Review@Example.com, code: "123456", until: 2030-01-01 }]',
  })
  assert.deepEqual(settings.testAddresses, [
    { address: 'mailto:app.review@example.com', code: '123456', until: Date.UTC(2030, 0, 2) },
  ])
})

test('the example of docs/config.md lacks only the files it names', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'config.md'), 'utf8')
  const yaml = /```yaml\n([^`]+)```/.exec(page)?.[1] ?? ''
  const told = problems({ yaml, flags: { data: folder }, isDevelopment: false })
  assert.ok(yaml.includes('providers:'))
  assert.deepEqual(
    told.filter((one) => !one.includes('does not exist')),
    [],
  )
})
