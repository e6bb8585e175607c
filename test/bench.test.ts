import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { endWithUs } from './hard-end.ts'
import { requirePeer } from './peers.ts'
import { postgresPaths } from './postgres.ts'
import { redisPath } from './redis.ts'

const root = join(import.meta.dirname, '..')
const peers = {
  ...requirePeer('wrk (apt-get install wrk)', '/usr/bin/wrk'),
  ...requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths),
  ...requirePeer('Redis (apt-get install redis-server)', redisPath),
}

/** Beside otpgateway, whose program is not here. */
const aimsWithARival = 3

test('a quick run of the bench measures every aim', peers, async () => {
  const child = spawn(process.execPath, [join(root, 'bench/bench.ts'), '--quick'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithUs(child)
  const [report, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  assert.equal(child.exitCode, 0, report + errors)
  const unmeasured = report.split('\n').filter((line) => line.endsWith('| not measured |'))
  assert.ok(
    unmeasured.length === aimsWithARival && unmeasured.every((line) => line.includes('otpgateway')),
    unmeasured.join('\n'),
  )
  assert.doesNotMatch(report, /NaN/)
})

test('a quick bench of members measures both engines', peers, async () => {
  const quick = ['--members', '400', '--runs', '2', '--seconds', '0.2']
  const child = spawn(process.execPath, [join(root, 'bench/members.ts'), ...quick], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithUs(child)
  const [report, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  assert.equal(child.exitCode, 0, report + errors)
  assert.equal(report.match(/^\| these searches \|/gm)?.length, 2, report)
  assert.doesNotMatch(report, /NaN/)
})

test('a quick comparison of a tree with itself measures both', peers, async () => {
  const child = spawn(
    process.execPath,
    [
      join(root, 'bench/compare.ts'),
      ...['--old', root, '--acts', 'send,verify', '--limits', '--rounds', '1'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  endWithUs(child)
  const [report, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  assert.equal(child.exitCode, 0, report + errors)
  assert.equal(report.match(/^\| server µs \|/gm)?.length, 2, report)
  assert.doesNotMatch(report, /NaN/)
})
