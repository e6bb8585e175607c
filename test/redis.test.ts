/** The Redis that tests are run against: each arrangement comes up, serves, and fails over. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { requirePeer } from './peers.ts'
import { redisPath, startRedis, startRedisCluster, startRedisSentinel } from './redis.ts'
import { redisCommand } from './redis-command.ts'
import { redisDump } from './redis-dump.ts'
import { until } from './until.ts'

const peer = requirePeer('Redis (apt-get install redis-server)', redisPath)

describe('the Redis of the tests', peer, () => {
  test('a single one serves, and has what it kept after a crash', async () => {
    await using redis = await startRedis()
    const [node] = redis.nodes
    await node!.command('SET', 'word', 'döner\r\n*1')
    assert.equal(await node!.command('GET', 'word'), 'döner\r\n*1')
    await until(async () => {
      const { aof_pending_bio_fsync, aof_buffer_length } = await node!.info('persistence')
      return aof_pending_bio_fsync === '0' && aof_buffer_length === '0'
    })
    await node!.kill()
    await assert.rejects(node!.command('GET', 'word'))
    await node!.start()
    assert.equal(await node!.command('GET', 'word'), 'döner\r\n*1')
    await redis.flush()
    assert.equal(await node!.command('GET', 'word'), null)
  })

  test('none is let in without the password', async () => {
    await using redis = await startRedis()
    await assert.rejects(redisCommand(redis.nodes[0]!.port, null, ['PING']), /NOAUTH/)
    await using open = await startRedis({ password: null })
    assert.equal(await redisCommand(open.nodes[0]!.port, null, ['PING']), 'PONG')
  })

  test('a dump of it has every key and value, of every type', async () => {
    await using redis = await startRedis()
    const [node] = redis.nodes
    await node!.command('SET', 'text', 'canary-text')
    await node!.command('HSET', 'hash', 'field', 'canary-hash')
    await node!.command('RPUSH', 'list', 'canary-list')
    await node!.command('SADD', 'set', 'canary-set')
    await node!.command('ZADD', 'zset', '1', 'canary-zset')
    await node!.command('XADD', 'stream', '*', 'field', 'canary-stream')
    const dump = await redisDump([node!.port], redis.password)
    for (const type of ['text', 'hash', 'list', 'set', 'zset', 'stream'])
      assert.match(dump, new RegExp(`"${type}".*canary-${type}`))
  })

  test('a replica has what its master was told, and misses nothing while it hung', async () => {
    await using redis = await startRedis({ replicas: 1, appendonly: false })
    const [master, replica] = redis.nodes
    replica!.signal('SIGSTOP')
    await master!.command('SET', 'word', 'before')
    assert.equal(await master!.command('WAIT', '1', '50'), 0)
    replica!.signal('SIGCONT')
    assert.equal(await master!.command('WAIT', '1', '5000'), 1)
    assert.equal(await replica!.command('GET', 'word'), 'before')
  })

  test('sentinels promote the replica of a master that is gone', async () => {
    await using redis = await startRedisSentinel()
    const [master, replica] = redis.nodes
    await master!.command('SET', 'word', 'kept')
    await master!.command('WAIT', '1', '5000')
    await master!.kill()
    // The sentinel that promotes it ends the connections that it has.
    await until(async () => (await redis.masters().catch(() => undefined))?.includes(replica!) === true)
    const kept = await until(() => replica!.command('GET', 'word').catch(() => undefined))
    assert.equal(kept, 'kept')
  })

  test('a cluster serves every slot, and promotes the replica of a master that is gone', async () => {
    await using redis = await startRedisCluster()
    assert.equal((await redis.masters()).length, 3)
    const master = await redis.nodeOf('word')
    const [replica] = await redis.replicasOf(master)
    await master.command('SET', 'word', 'kept')
    await master.command('WAIT', '1', '5000')
    await master.kill()
    await until(async () => (await redis.nodeOf('word')) === replica)
    await redis.ready()
    assert.equal(await replica!.command('GET', 'word'), 'kept')
    await master.start()
    await until(async () => (await redis.replicasOf(replica!)).includes(master))
    await redis.flush()
    assert.equal(await replica!.command('GET', 'word'), null)
  })
})
