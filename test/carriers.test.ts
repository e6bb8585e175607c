/** Holds the ready-made carriers and their pages to the format: each block is whole, each example could start a server. */

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { blockSchema, messageValueNames, signers, verifiers } from '../src/config/carriers/block-schema.ts'
import { loadBlock, readyMadeFolder, readyMadeNames } from '../src/config/carriers/load-block.ts'
import { loadSettings } from '../src/config/load-settings.ts'
import { DeliveryError } from '../src/delivery/provider.ts'
import { answerJudge } from '../src/providers/http/answer-judge.ts'
import { pathOf } from '../src/providers/http/selectors.ts'
import { phoneMessage } from './http-carrier.ts'
import { temporaryFolder } from './server.ts'

const docs = join(import.meta.dirname, '..', 'docs', 'carriers')
const ownBlock = readFileSync(join(docs, 'own-block.md'), 'utf8')

/** Loads the settings of a page, with a file wherever they name a secret. */
function load(yaml: string) {
  const folder = temporaryFolder()
  try {
    const moved = yaml.replaceAll('/run/secrets/', `${folder}/secrets/`)
    for (const [path] of moved.matchAll(new RegExp(`${folder}/secrets/[\\w-]+`, 'g'))) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(
        path,
        path.endsWith('webhook-secret') ? `whsec_${'A'.repeat(32)}` : 'a-secret-of-24-characters',
      )
    }
    const file = join(folder, 'settings.yaml')
    writeFileSync(file, moved)
    return loadSettings({ file, env: {}, flags: { data: folder }, isDevelopment: true }).settings
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function example(page: string): string {
  return /^```yaml\n([\s\S]*?)^```$/m.exec(page)![1]!
}

/** Puts a value where a JSON pointer leads. */
function put(document: Record<string, unknown>, pointer: string, value: unknown): void {
  const path = pathOf(pointer)
  let at = document
  for (const [i, part] of path.slice(0, -1).entries()) {
    at[part] ??= /^\d+$/.test(path[i + 1]!) ? [] : {}
    at = at[part] as Record<string, unknown>
  }
  at[path.at(-1)!] = value
}

test('a code that ends a message for good names its source, one code a rule', () => {
  const block = (refused: unknown) => ({
    channels: ['sms'],
    request: { server: 'https://sms.example.net', path: '/send', json: {} },
    answer: { accepted: { status: 200 }, refused },
  })
  const problemsOf = (refused: unknown) => {
    const problems: string[] = []
    loadBlock({ block: block(refused) }, 'own', [], problems)
    return problems.join('\n')
  }
  const source = 'Error codes of their page'
  assert.equal(problemsOf({ '/code': 7, source }), '')
  assert.equal(problemsOf([{ status: [400, 422], '/code': 7, source }]), '')
  assert.match(problemsOf({ '/code': 7 }), /refused/)
  assert.match(problemsOf([{ '/code': 7, source }, { '/code': 8 }]), /refused/)
  assert.match(problemsOf({ source }), /refused/)
  assert.match(problemsOf({ '/code': [7, 8], source }), /refused: \/code lists codes/)
})

for (const name of readyMadeNames()) {
  test(`${name}: the block can work and says what its page needs`, () => {
    const problems: string[] = []
    const block = loadBlock({ carrier: name }, name, [], problems)
    assert.deepEqual(problems, [])
    assert.equal(block!.carrier, name)
    for (const key of ['title', 'standing', 'source'] as const) assert.ok(block![key] !== undefined, key)
    for (const need of Object.values(block!.needs ?? {})) assert.match(need.description, /\.$/)
  })

  test(`${name}: a code nobody has documented leaves the message to another carrier`, () => {
    const { answer } = loadBlock({ carrier: name }, name, [], [])!
    const judge = answerJudge(answer)
    const places = (['accepted', 'refused', 'throttled', 'unavailable'] as const).flatMap((kind) =>
      [answer[kind] ?? []].flat().flatMap((rule) => Object.entries(rule as Record<string, unknown>)),
    )
    const body: Record<string, unknown> = {}
    for (const [at, is] of places)
      if (at.startsWith('/') && !(typeof is === 'object' && is !== null && 'present' in is))
        put(body, at, 'no-such-code')
    const text = answer.parse === 'text' ? 'no such words' : JSON.stringify(body)
    for (const status of [400, 401, 403, 404, 409, 410, 500]) {
      const outcome = judge({ status, headers: {}, text }, 'id', [], 0)
      assert.ok(outcome instanceof DeliveryError)
      assert.equal(outcome.kind, 'unavailable', `${status} ${text}`)
    }
  })

  test(`${name}: the example of its page could start a server`, () => {
    const { providers } = load(example(readFileSync(join(docs, `${name}.md`), 'utf8')))
    assert.equal(providers[name]?.type, 'http')
  })

  test(`${name}: it is tested`, () => {
    const tests = [...readdirSync(readyMadeFolder), ...readdirSync(import.meta.dirname)]
    assert.ok(tests.some((file) => [`${name}.test.ts`, `http-${name}.test.ts`].includes(file)))
  })
}

test('the block of own-block.md could start a server', () => {
  const { providers } = load(example(ownBlock))
  assert.equal(providers.ours?.type, 'http')
})

test('own-block.md has every key, value and way of the format', () => {
  const words: string[] = [...messageValueNames, ...Object.keys(signers), ...Object.keys(verifiers), 'hmac']
  const keys = (schema: object): void => {
    const {
      properties = {},
      anyOf = [],
      items,
    } = schema as {
      properties?: Record<string, object>
      anyOf?: object[]
      items?: object
    }
    words.push(...Object.keys(properties))
    for (const child of [...Object.values(properties), ...anyOf, ...(items ? [items] : [])]) keys(child)
  }
  keys(blockSchema)
  const { patternProperties } = blockSchema.properties.needs as { patternProperties?: Record<string, object> }
  for (const need of Object.values(patternProperties ?? {})) keys(need)
  assert.ok(words.length > 80)
  assert.ok(words.includes('pattern'), 'the keys of a need were looked at')
  for (const word of words)
    assert.match(ownBlock, new RegExp(`[\`{ ]${word}\\??[\`:, }]`), `${word} is not in own-block.md`)
})

test('what a block says of the message is what a message has', async () => {
  const { messageValues } = await import('../src/providers/http/message-values.ts')
  const valuesOf = (names: ReadonlySet<string>) =>
    messageValues({ names, fixed: { key: 'x' }, templateIds: null, receiptUrl: null })(phoneMessage, 0)
  const all = ['key', ...messageValueNames]
  assert.deepEqual(Object.keys(valuesOf(new Set([...all, 'other']))).toSorted(), all.toSorted())
  assert.deepEqual(valuesOf(new Set(['toDigits'])), { key: 'x', toDigits: '15558675310' })
})
