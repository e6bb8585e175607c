import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { stringify } from 'yaml'
import { AppError } from '../../errors.ts'
import { loadSettings } from '../load-settings.ts'

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

/** A block with a need of every kind. */
const block = {
  channels: ['sms'],
  needs: {
    account: { description: 'Your account.', pattern: '^[a-z]+$' },
    apiKey: { description: 'Its key.', secret: true, pattern: '^k-' },
    region: { description: 'Where it is.', default: 'eu' },
    note: { description: 'A note.', optional: true },
    hookSecret: { description: 'What it calls with.', secret: true, for: 'receipts' },
  },
  request: {
    server: 'https://{{ region }}.carrier.example/v1/',
    path: '/{{ account }}',
    json: { to: '{{ to }}' },
  },
  answer: { accepted: { status: 200 } },
  receipts: {
    parse: 'json',
    key: '/id',
    state: '/state',
    states: { ok: 'delivered' },
    verify: { secret: { header: 'x-secret', value: '{{ hookSecret }}' } },
  },
}
const least = { block, receipts: false, account: 'us', apiKey: 'k-1' }

function load(
  section: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
  top: Readonly<Record<string, unknown>> = {},
) {
  const file = written(
    'settings.yaml',
    stringify({ ...top, providers: { ours: { type: 'http', ...section } } }),
  )
  const loaded = loadSettings({ file, env, flags: { data: folder }, isDevelopment: true })
  const { ours } = loaded.settings.providers
  assert.ok(ours?.type === 'http')
  return { ours, sources: loaded.sources }
}

/** The problems of a section that is refused, one on each line. */
function problems(...given: Parameters<typeof load>): string[] {
  try {
    load(...given)
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'config.invalid', String(error))
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^- /, ''))
  }
  return []
}

test('needs are read by name, with their defaults; what may be left out is empty', () => {
  const { ours } = load(least)
  assert.deepEqual(ours.values, { account: 'us', apiKey: 'k-1', region: 'eu', note: '', hookSecret: '' })
  assert.deepEqual(ours.secrets, ['k-1'])
  assert.equal(ours.server, 'https://eu.carrier.example/v1')
  assert.equal(ours.receiptUrl, null)
})

test('a need may come from the environment, by its name as the settings have it, and wins there', () => {
  const { apiKey: _, account: __, ...rest } = least
  const { ours, sources } = load(
    { ...rest, region: 'us' },
    {
      COUNTERSIGN_PROVIDERS_OURS_ACCOUNT: 'env',
      COUNTERSIGN_PROVIDERS_OURS_API_KEY: 'k-canary',
      COUNTERSIGN_PROVIDERS_OURS_REGION: 'ap',
    },
  )
  assert.deepEqual([ours.values.account, ours.values.apiKey, ours.values.region], ['env', 'k-canary', 'ap'])
  const found = sources.find(({ path }) => path === 'providers.ours.apiKey')
  assert.deepEqual([found?.value, found?.source], ['(secret)', 'environment'])
  assert.doesNotMatch(JSON.stringify(sources), /k-canary/)
})

test('a secret may be in a file, stated in the settings or the environment; not beside itself, nor empty', () => {
  const { apiKey: _, ...rest } = least
  const path = written('key', 'k-in-file\n')
  assert.equal(load({ ...rest, apiKeyFile: path }).ours.values.apiKey, 'k-in-file')
  const env = { COUNTERSIGN_PROVIDERS_OURS_API_KEY_FILE: path }
  assert.equal(load(rest, env).ours.values.apiKey, 'k-in-file')
  assert.deepEqual(problems({ ...least, apiKeyFile: path }), [
    'providers.ours: apiKey and apiKeyFile are both stated; state one',
  ])
  assert.deepEqual(problems({ ...rest, apiKeyFile: '/nowhere' }), [
    'providers.ours.apiKeyFile: /nowhere does not exist',
  ])
  assert.deepEqual(problems({ ...rest, apiKeyFile: written('other', 'canary') }), [
    'providers.ours.apiKey: is not of the form ^k-',
  ])
  assert.deepEqual(problems({ ...rest, apiKeyFile: written('empty', ' \n') }), [
    `providers.ours.apiKeyFile: ${join(folder, 'empty')} is empty`,
  ])
  assert.match(
    problems({ ...least, accountFile: path }).join(),
    /^providers\.ours\.accountFile: is not a setting/,
    'only a secret has one',
  )
})

test('a need that is missing, of another form or misspelt is told, with its description or the nearest name', () => {
  assert.deepEqual(problems({ block, receipts: false }), [
    'providers.ours.account: must be stated; Your account.',
    'providers.ours.apiKey: must be stated, or apiKeyFile; Its key.',
  ])
  assert.deepEqual(problems({ ...least, acount: 'x', apiKei: 'canary' }), [
    'providers.ours.acount: is not a setting; did you mean account?',
    'providers.ours.apiKei: is not a setting; did you mean apiKey?',
  ])
  assert.deepEqual(problems(least, { COUNTERSIGN_PROVIDERS_OURS_API_KAY: 'canary' }), [
    'COUNTERSIGN_PROVIDERS_OURS_API_KAY: is not a setting; did you mean COUNTERSIGN_PROVIDERS_OURS_API_KEY?',
  ])
  assert.deepEqual(problems({ ...least, account: 'US' }), [
    'providers.ours.account: is not of the form ^[a-z]+$; found "US"',
  ])
  const told = problems({ ...least, apiKey: 'canary' }).join()
  assert.match(told, /^providers\.ours\.apiKey: is not of the form \^k-/)
  assert.doesNotMatch(told, /canary/)
})

test('receipts need publicUrl and what they are verified by, or are turned off', () => {
  const { receipts: _, ...on } = least
  assert.deepEqual(problems(on), [
    'providers.ours: the carrier tells what became of messages; state publicUrl, or receipts: false',
    'providers.ours.hookSecret: must be stated, or hookSecretFile; What it calls with.',
  ])
  const { ours } = load({ ...on, hookSecret: 'shh' }, {}, { publicUrl: 'https://codes.example.com' })
  assert.equal(ours.receiptUrl, 'https://codes.example.com/receipts/ours')
  assert.deepEqual(ours.secrets, ['k-1', 'shh'])
})

test('a block may be in a file of its own; what is wrong with it is told with its place', () => {
  const { block: _, ...rest } = least
  const { ours } = load({ ...rest, carrierFile: written('ours.yaml', stringify(block)) })
  assert.deepEqual([ours.values.account, ours.block.channels], ['us', ['sms']])
  const at = 'providers.ours.carrierFile'
  for (const [text, words] of [
    ['a: [', `${at}: ${join(folder, 'b.yaml')}: `],
    ['channels: [sms]', `${at}.request: must be stated`],
    [stringify({ ...block, chanels: ['sms'] }), `${at}.chanels: is not a setting; did you mean channels?`],
    [
      stringify({ ...block, request: { ...block.request, path: '/{{ acount }}' } }),
      `${at}.request.path: {{ acount }} is no value here`,
    ],
    [
      stringify({ ...block, request: { ...block.request, path: '/{{ account' } }),
      `${at}.request.path: output "{{ account" not closed`,
    ],
    [
      stringify({ ...block, needs: { text: { description: 'x' } } }),
      `${at}.needs.text: is the name of a value of messages`,
    ],
    [
      stringify({ ...block, needs: { window: { description: 'x' } } }),
      `${at}.needs.window: is the name of a setting`,
    ],
    [stringify({ ...block, receipts: { ...block.receipts, verify: {} } }), `${at}.receipts.verify: `],
    [
      stringify({ ...block, request: { ...block.request, form: { a: 'b' } } }),
      `${at}.request: has form and json`,
    ],
    [
      stringify({ ...block, answer: { accepted: { text: { match: '(' } } } }),
      `${at}.answer.accepted.text.match: `,
    ],
  ] as const) {
    const told = problems({ ...rest, carrierFile: written('b.yaml', text) })
    assert.ok(
      told.some((one) => one.startsWith(words)),
      `${words} is not among ${told.join('\n')}`,
    )
  }
  assert.deepEqual(problems({ ...rest, carrierFile: '/nowhere.yaml' }).slice(0, 1), [
    `${at}: /nowhere.yaml does not exist`,
  ])
  assert.match(problems({ ...rest, carrier: 'pigeon' })[0]!, /^providers\.ours\.carrier: must be one of /)
  for (const both of [rest, { ...least, carrier: 'twilio' }])
    assert.match(problems(both)[0]!, /^providers\.ours: state one of carrier .* carrierFile and block$/)
})

const byId = { ...least, block: { ...block, takesTemplateIds: true } }

test('template ids go by message and language, with the variables the carrier’s template has in its order', () => {
  const { ours } = load({
    ...byId,
    templateIds: {
      code: { 'zh-CN': { id: 'zh', variables: ['code'] }, 'en-US': 'en' },
      'contact-changed': { id: 'notice', variables: ['product', 'contact'] },
    },
  })
  const named = (...names: string[]) => names.map((name) => ({ at: order.indexOf(name), name }))
  let order = ['code', 'lifetime', 'product']
  assert.deepEqual(ours.templateIds?.code, {
    'zh-CN': { id: 'zh', variables: named('code') },
    'en-US': { id: 'en', variables: named('code', 'lifetime', 'product') },
  })
  order = ['contact', 'time', 'product']
  const notice = { id: 'notice', variables: named('product', 'contact') }
  assert.deepEqual(ours.templateIds?.['contact-changed'], { 'zh-CN': notice, 'en-US': notice })
  assert.deepEqual(ours.templateIds?.['recovery-started'], ours.templateIds?.['contact-changed'])
})

test('template ids that are missing, of no use or of another message are told', () => {
  const ids = { code: 'c', 'contact-changed': 'n' }
  const at = 'providers.ours.templateIds'
  assert.deepEqual(
    problems(byId).map((one) => one.split(':')[0]),
    [`${at}.code`, `${at}.contact-changed`],
  )
  assert.deepEqual(
    problems({ ...byId, templateIds: { ...ids, code: { id: 'c', variables: ['contact', 'code'] } } }),
    [`${at}.code.variables: contact is none of code, lifetime, product`],
  )
  assert.deepEqual(
    problems({ ...byId, templateIds: { ...ids, code: { id: 'c', variables: ['lifetime'] } } }),
    [`${at}.code.variables: must have code, or the message would go out without it`],
  )
  assert.match(
    problems({ ...byId, templateIds: { ...ids, code: { 'zh-CN': 'z' } } }).join(),
    /templateIds\.code.*en-US: must be stated/,
  )
  assert.match(problems({ ...byId, templateIds: { ...ids, codes: 'x' } }).join(), /did you mean code\?/)
  assert.deepEqual(problems({ ...least, templateIds: ids }), [
    `${at}: this carrier takes texts; leave them out`,
  ])
})

test('the server is called by TLS, without only where allowPrivate lists it; it is a host and no more', () => {
  const at = (server: string, allowPrivate: readonly string[] = []) =>
    problems({ ...least, allowPrivate, block: { ...block, request: { ...block.request, server } } })
  for (const [server, allowPrivate] of [
    ['http://sms.internal:13013', ['sms.internal']],
    ['http://10.1.2.3', ['10.0.0.0/8']],
    ['http://[fd00::1]', ['fd00::1']],
    ['https://10.1.2.3', []],
  ] as const)
    assert.deepEqual(at(server, allowPrivate), [], server)
  for (const [server, allowPrivate] of [
    ['http://sms.internal', []],
    ['http://sms.internal', ['other.internal']],
    ['http://sms.internal', ['10.0.0.0/8']],
  ] as const)
    assert.match(at(server, allowPrivate).join(), /would be called without TLS/, server)
  for (const server of [
    'ftp://a.example',
    'https://u:p@a.example',
    'https://a.example?x=1',
    'a.example',
    'https://',
  ])
    assert.deepEqual(at(server), [
      'providers.ours: the carrier’s server must be https://HOST or https://HOST:PORT',
    ])
  for (const wrong of ['10.0.0.0/33', '10.0.0', 'a b', 'https://a.example', '::1/129', '1.2.3.4/'])
    assert.deepEqual(at('https://a.example', [wrong]), [
      `providers.ours.allowPrivate: ${wrong} is no host, address or CIDR block, such as 10.0.0.0/8`,
    ])
})

test('of needs that are all for receipts one must be stated, but only with receipts on', () => {
  const { hookSecret: _, ...needs } = block.needs
  const optional = { description: 'One of two.', secret: true, optional: true, for: 'receipts' }
  const either = {
    ...block,
    needs: { ...needs, hmacKey: optional, hookSecret: optional },
    needsOneOf: [['hmacKey', 'hookSecret']],
    receipts: {
      ...block.receipts,
      verify: [
        { hmac: { key: '{{ hmacKey }}', text: '{{ body }}', signature: { header: 'x-signature' } } },
        block.receipts.verify,
      ],
    },
  }
  const top = { publicUrl: 'https://codes.example.com' }
  const { receipts: __, ...on } = { ...least, block: either }
  assert.deepEqual(problems({ ...on, receipts: false }), [])
  assert.deepEqual(problems(on, {}, top), ['providers.ours: one of hmacKey, hookSecret must be stated'])
  for (const one of ['hmacKey', 'hookSecret']) assert.deepEqual(problems({ ...on, [one]: 'x' }, {}, top), [])
})

test('each of several ways to verify is checked, and told by its place', () => {
  const verify = (...ways: object[]) => ({
    ...least,
    block: { ...block, receipts: { ...block.receipts, verify: ways } },
  })
  const { secret } = block.receipts.verify
  const where = 'providers.ours.block.receipts.verify'
  assert.deepEqual(
    problems(
      verify(
        { secret },
        { secret: { value: 'x' } },
        { secret: { value: '{{ nothing }}', query: 'a' } },
        { hmac: { key: 'x', text: '', signature: '/a', algorithm: 'sha0', timestamp: 'time' } },
      ),
    ).map((one) => one.replace(/; there are .*/, '')),
    [
      `${where}.1.secret: state where it is, query or header`,
      `${where}.2.secret.value: {{ nothing }} is no value here`,
      `${where}.3.hmac.algorithm: must be one of sha1, sha256, sha512`,
      `${where}.3.hmac.timestamp: time is not among its values`,
    ],
  )
  assert.match(problems(verify({ secret })).join(), /must not have fewer than 2 items/)
  assert.match(
    problems(verify({ secret }, { secrets: secret })).join(),
    /1\.secrets: is not a setting; did you mean secret\?/,
  )
})
