/** The functions in Redis: the same decisions as the rules in TypeScript, and hits undone without a trace. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { Redis as Client } from 'ioredis'
import { requirePeer } from '../../../test/peers.ts'
import { type Redis, redisPath, startRedis } from '../../../test/redis.ts'
import { decideAcquire, type Limit, refund } from '../../throttle/acquire.ts'
import type { LimiterState, Rule } from '../../throttle/limiter-state.ts'
import { unlike } from '../conformance/fixtures.ts'
import { listOf, tagsOf } from './limit-lists.ts'

const peer = requirePeer('Redis (apt-get install redis-server)', redisPath)

const luaOf = (...files: readonly string[]) =>
  files.map((file) => readFileSync(join(import.meta.dirname, 'functions', `${file}.lua`), 'utf8')).join('\n')

/** Records' own file, with a function that reads one text, changes it, and writes it. */
const recordSource = `#!lua name=records_under_test
${luaOf('clock', 'record')}
redis.register_function('test_record', function(keys, args)
  local record = parse_record('id', args[1])
  record.submissions = record.submissions + 1
  record.usedAt = 5
  record.broughtBy = '{"acceptedAt":7,"provider":"p"}'
  return text_of(record)
end)
`

/** The limiters' own files with functions that take the time as an argument, as no function of the product does. */
const source = `#!lua name=limiters_under_test
${luaOf('clock', 'limiter-state', 'acquire')}
redis.register_function('test_acquire', function(keys, args)
  local limiters = open_limiters()
  local refusal, befores = acquire_all(limiters, keys, 1, read_list(args[2]), args[3], tonumber(args[1]), false)
  write_limiters(limiters)
  return { refusal and cjson.encode(refusal) or '', table.concat(befores, ',') }
end)
redis.register_function('test_refund', function(keys, args)
  local limiters = open_limiters()
  for i, hit in ipairs(cjson.decode(args[1])) do refund_one(limiters, keys[i], hit) end
  write_limiters(limiters)
end)
redis.register_function('test_read', function(keys)
  local texts = {}
  for i, number in ipairs(read_limiter(keys[1])) do texts[i] = string.format('%.17g', number) end
  return texts
end)
`

describe('limiters in Redis', peer, () => {
  let redis: Redis
  let client: Client
  before(async () => {
    redis = await startRedis()
    const { port } = redis.nodes[0]!
    client = new Client({ port, ...(redis.password !== null && { password: redis.password }) })
    await client.function('LOAD', source)
  })
  after(async () => {
    client?.disconnect()
    await redis?.[Symbol.asyncDispose]()
  })

  const start = 1_764_000_000_000
  /** Rules of minutes in steps of minutes: Redis drops by its own clock what is over, which here stands still. */
  const scale = 1_000
  const ms = (min: number, max: number) => fc.integer({ min, max }).map((some) => some * scale)
  const rule = {
    window: fc.record({
      kind: fc.constant('window' as const),
      max: fc.integer({ min: 0, max: 4 }),
      perMs: ms(60, 500),
    }),
    gaps: fc.record({
      kind: fc.constant('gaps' as const),
      gapsMs: fc.array(ms(0, 200), { minLength: 1, maxLength: 4 }),
      perMs: ms(60, 1000),
    }),
    distinct: fc.record({
      kind: fc.constant('distinct' as const),
      max: fc.integer({ min: 1, max: 3 }),
      perMs: ms(60, 500),
    }),
    bucket: fc.record({
      kind: fc.constant('bucket' as const),
      perSecond: fc.constantFrom(0.0003, 0.001, 0.003, 0.007, 0.05),
      burst: fc.integer({ min: 1, max: 5 }),
    }),
    tally: fc.record({
      kind: fc.constant('tally' as const),
      max: fc.integer({ min: 1, max: 5 }),
      perMs: fc.constantFrom(60_000, 777_777, 3_600_000),
    }),
  }
  /** Two policies that share a limiter, by turns; a bucket and a tally are of one app. */
  const twoOf = <T>(one: fc.Arbitrary<T>) => fc.tuple(one, one)
  const kept = fc.oneof(
    fc.record({
      form: fc.constant('events' as const),
      policies: twoOf(fc.array<Rule>(fc.oneof(rule.window, rule.gaps), { maxLength: 3 })),
      keepMs: fc.constantFrom(scale, 600 * scale),
    }),
    fc.record({
      form: fc.constant('tags' as const),
      policies: twoOf(fc.array<Rule>(rule.distinct, { maxLength: 2 })),
      keepMs: fc.constantFrom(scale, 600 * scale),
    }),
    fc.record({
      form: fc.constant('bucket' as const),
      policies: fc.tuple(fc.tuple(rule.bucket)),
      keepMs: fc.constant(0),
    }),
    fc.record({
      form: fc.constant('tally' as const),
      policies: fc.tuple(fc.tuple(rule.tally)),
      keepMs: fc.constant(0),
    }),
  )
  const step = fc.record({
    // Also backwards, as a clock that was set, or the next master's, may be.
    afterMs: fc.oneof(ms(0, 300), ms(-50, 0)),
    tag: fc.constantFrom(1, 2, 3, 281_474_976_710_655),
    isRefunded: fc.boolean(),
    policy: fc.nat(1),
    looksOnly: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  })

  async function acquire(limits: readonly Limit[], keys: readonly string[], now: number) {
    const [refusal, befores] = (await client.fcall(
      'test_acquire',
      keys.length,
      ...keys,
      now,
      listOf(limits),
      tagsOf(limits),
    )) as string[]
    return { refusal, befores: befores!.split(',').map(Number) }
  }
  const read = async (key: string): Promise<LimiterState> =>
    ((await client.fcall('test_read', 1, key)) as string[]).map(Number)

  test('decide as the rules in TypeScript, whatever the specs and the times', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(kept, { minLength: 1, maxLength: 3 }),
        fc.array(step, { minLength: 1, maxLength: 25 }),
        async (specs, steps) => {
          const base = unlike()
          const keys = specs.map((_, i) => `${base}:${i}`)
          const model = specs.map((): LimiterState => [])
          let now = start
          for (const { afterMs, tag, isRefunded, policy, looksOnly } of steps) {
            now += afterMs
            const limits = specs.map(
              ({ form, policies, keepMs }, i): Limit => ({
                scope: 'member',
                key: keys[i]!,
                form,
                rules: policies[policy % policies.length]!,
                tag,
                keepMs,
                ...(looksOnly && { looksOnly }),
              }),
            )
            const expected = decideAcquire(limits, model, now)
            const { refusal } = await acquire(limits, keys, now)
            if (expected.kind === 'throttled') {
              const { kind: _kind, ...told } = expected
              assert.deepEqual(JSON.parse(refusal!), told)
              continue
            }
            assert.equal(refusal, '')
            if (looksOnly) continue
            for (const [i, next] of expected.limiters.entries()) model[i] = next!.limiter
            if (isRefunded) {
              const hits = limits.map(({ key, form }) => ({ key, form, at: now }))
              await client.fcall('test_refund', keys.length, ...keys, JSON.stringify(hits))
              for (const [i, hit] of hits.entries()) model[i] = refund(hit, model[i]!)
            }
            // Redis keeps it as long as it counts; an expired one may be gone on either side.
            for (const [i, key] of keys.entries()) {
              const there = await read(key)
              if (there.length > 0) assert.deepEqual(there, model[i])
            }
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('put many hits together as the rules in TypeScript do', async () => {
    const key = unlike()
    const pipeline = client.pipeline()
    const one: Limit = {
      scope: 'network',
      key,
      form: 'events',
      rules: [{ kind: 'window', max: 100_000, perMs: 3_600_000 }],
    }
    let model: LimiterState = []
    let now = start
    for (let i = 0; i < 2000; i++) {
      now += (i * 7919) % 3000
      pipeline.fcall('test_acquire', 1, key, now, listOf([one]), '')
      const decision = decideAcquire([one], [model], now)
      assert.ok(decision.kind === 'acquired')
      model = decision.limiters[0]!.limiter
    }
    await pipeline.exec()
    assert.deepEqual(await read(key), model)
    // The newest one by one, one of many that were put together, and one that is not there any more.
    for (const at of [model.at(-1)!, model.at(-2)!, model[1]!, start]) {
      await client.fcall('test_refund', 1, key, JSON.stringify([{ key, form: 'events', at }]))
      model = refund({ key, form: 'events', at }, model)
      assert.deepEqual(await read(key), model)
    }
    for (const max of [1, 2, 299, 300, 301, 900, 1500]) {
      const narrow: Limit = { ...one, rules: [{ kind: 'window', max, perMs: 1_800_000 }], looksOnly: true }
      const expected = decideAcquire([narrow], [model], now)
      const { refusal } = await acquire([narrow], [key], now)
      const waitMs = expected.kind === 'throttled' ? expected.retryAfterMs : 0
      assert.equal(
        refusal === '' ? 0 : (JSON.parse(refusal!) as { retryAfterMs: number }).retryAfterMs,
        waitMs,
      )
    }
  })

  test('keep as many tags as the rules in TypeScript do', async () => {
    const key = unlike()
    const pipeline = client.pipeline()
    const one: Limit = { scope: 'member-addresses', key, form: 'tags', rules: [], keepMs: 86_400_000 }
    const wide: Limit = { ...one, rules: [{ kind: 'distinct', max: 400, perMs: 86_400_000 }] }
    let model: LimiterState = []
    let now = start
    for (let i = 0; i < 1000; i++) {
      now += (i * 7919) % 3000
      const next: Limit = { ...(i === 350 ? wide : one), tag: 1 + ((i * 31) % 977) }
      pipeline.fcall('test_acquire', 1, key, now, listOf([next]), tagsOf([next]))
      const decision = decideAcquire([next], [model], now)
      assert.ok(decision.kind === 'acquired')
      model = decision.limiters[0]!.limiter
    }
    await pipeline.exec()
    assert.equal(model.length, 1602)
    assert.deepEqual(await read(key), model)
    for (const max of [1, 5, 400]) {
      const rules = [{ kind: 'distinct', max, perMs: 3_600_000 }] as const
      const narrow: Limit = { ...one, rules, tag: 999_999, looksOnly: true }
      const expected = decideAcquire([narrow], [model], now)
      const { refusal } = await acquire([narrow], [key], now)
      assert.equal(
        refusal === '' ? 0 : (JSON.parse(refusal!) as { retryAfterMs: number }).retryAfterMs,
        expected.kind === 'throttled' ? expected.retryAfterMs : 0,
      )
    }
  })

  test('a hit that is undone leaves no trace', async () => {
    const far = { distinct: 86_400_000, tally: 86_400_000, window: 86_400_000 }
    const specs: Pick<Limit, 'form' | 'rules'>[] = [
      { form: 'events', rules: [{ kind: 'window', max: 50, perMs: far.window }] },
      { form: 'tags', rules: [{ kind: 'distinct', max: 50, perMs: far.distinct }] },
      { form: 'bucket', rules: [{ kind: 'bucket', perSecond: 0.001, burst: 50 }] },
      { form: 'tally', rules: [{ kind: 'tally', max: 500, perMs: far.tally }] },
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 4 }),
        async (tags, undone) => {
          const base = unlike()
          const keys = specs.map((_, i) => `${base}:${i}`)
          const limitsOf = (tag: number) =>
            specs.map((one, i): Limit => ({ scope: 'member', key: keys[i]!, ...one, tag }))
          let now = start
          for (const tag of tags) await acquire(limitsOf(tag), keys, now++)
          const before = await Promise.all(keys.map(read))
          const { befores } = await acquire(limitsOf(undone), keys, now)
          const hits = specs.map(({ form }, i) => {
            const undo = {
              undo: true,
              form,
              at: now,
              tag: undone,
              before: befores[i],
              perMs: 86_400_000,
              perSecond: 0.001,
            }
            return undo
          })
          await client.fcall('test_refund', keys.length, ...keys, JSON.stringify(hits))
          const after = await Promise.all(keys.map(read))
          // For tags only the last time of each counts, not their order; an empty slot counts nothing.
          const pairs = (limiter: LimiterState) =>
            limiter.flatMap((at, i) => (i % 2 ? [] : [`${at} ${limiter[i + 1]}`])).toSorted()
          assert.deepEqual(after[0], before[0])
          assert.deepEqual(pairs(after[1]!), pairs(before[1]!))
          if (before[2]!.length > 0) assert.deepEqual(after[2], before[2])
          assert.deepEqual(
            pairs(after[3]!).filter((pair) => !pair.endsWith(' 0')),
            pairs(before[3]!),
          )
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('records in Redis', peer, () => {
  test('change in whatever order an earlier version wrote their fields, and keep all others', async () => {
    await using redis = await startRedis({ password: null })
    const client = new Client({ port: redis.nodes[0]!.port })
    try {
      await client.function('LOAD', recordSource)
      const head = { state: 0, submissions: 2, messages: 1, issuedAt: 1_764_000_000_000 }
      const life = { expiresAt: 1_764_000_060_000, digest: 'Az0_-' }
      const rest = { id: 'id', member: 'with a "digest":"x" and {', digits: 6, isTest: false }
      const earlier = { usedAt: 3, broughtBy: { provider: 'o', acceptedAt: 4 } }
      for (const record of [
        { ...head, ...life, ...rest },
        { ...head, ...life, ...earlier, ...rest },
        { ...rest, ...life, ...earlier, ...head },
        { ...earlier, ...rest, ...life, ...head },
      ]) {
        const text = (await client.fcall('test_record', 0, JSON.stringify(record))) as string
        const changed = { submissions: 3, usedAt: 5, broughtBy: { acceptedAt: 7, provider: 'p' } }
        assert.deepEqual(JSON.parse(text), { ...record, ...changed })
        assert.equal(
          await client.fcall('test_record', 0, text),
          text.replace('"submissions":3', '"submissions":4'),
        )
      }
    } finally {
      client.disconnect()
    }
  })
})
