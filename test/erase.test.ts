/** A person who is erased is in no row of any engine any more; others are as they were. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { addressKey, limiterKey } from '../src/address/address.ts'
import { newIssue, newKey, newMessage } from '../src/store/conformance/fixtures.ts'
import { limiterDigest } from '../src/throttle/policy.ts'
import { run } from './cli-run.ts'
import { engine, openStoreOf } from './engine.ts'
import { newNumber, startServer } from './server.ts'
import { dump } from './store-dump.ts'

/** Over Redis a message under way keeps its address until its time is over, and this test does not wait for that. */
const withoutWaiting = engine.startsWith('redis')
  ? { skip: 'its messages under way go by their own time' }
  : {}

test(
  'A-7: what was kept about an erased person is gone from every table, and of others nothing',
  withoutWaiting,
  async () => {
    const server = await startServer()
    const folder = server.dataFolder
    const beside = async (...args: readonly string[]) => {
      const { code, out, err } = await run([...args, '--data', folder], { env: server.env })
      assert.equal(code, 0, err)
      return out
    }
    const people = [] as { id: string; account: string; number: string; email: string; digest: string }[]
    try {
      await using store = await openStoreOf(folder)
      for (const account of ['erased-one', 'staying-one']) {
        const [number, email] = [newNumber(), `${account}@people.example`]
        const added = ['member', 'add', '--tenant', 'erasing', '--account', account, '--phone', number]
        if (people.length === 0) await beside('app', 'create', '--name', 'A', '--tenant', 'erasing', '--json')
        const { id } = JSON.parse(await beside(...added, '--email', email, '--json')) as { id: string }
        const member = (await store.directory.member(id))!
        const digest = limiterDigest(limiterKey(member.phone!))
        const limit = {
          scope: 'member',
          form: 'events',
          rules: [{ kind: 'window', max: 9, perMs: 600_000 }],
        } as const
        const issue = newIssue({
          key: newKey({ tenant: 'erasing', app: 'a-e', subject: id, address: addressKey(member.phone!) }),
          message: newMessage({ tenant: 'erasing', app: 'a-e', to: member.phone! }),
          limits: [
            { ...limit, key: `iu:erasing:${id}` },
            { ...limit, scope: 'member-address', key: `im:erasing:${id}:${digest}` },
            { ...limit, scope: 'address', key: `ia:erasing:${digest}` },
          ],
        })
        assert.equal((await store.verifications.issue(issue)).kind, 'issued')
        await store.journal.append({
          kind: 'refusal',
          tenant: 'erasing',
          app: 'a-e',
          member: id,
          verification: issue.id,
          detail: { reason: 'kept' },
        })
        people.push({ id, account, number, email, digest })
      }
      await beside('member', 'erase', 'erased-one', '--tenant', 'erasing')
      const kept = await store.journal.read({ sinceMs: 0, most: 1000, kind: 'refusal' })
      assert.ok(kept.some(({ member, detail }) => member === '' && detail.reason === 'kept'))
      const rows =
        engine === 'sqlite' ? rowsOf(join(folder, 'countersign.db')) : withoutAudit(await everything(folder))
      const [gone, stays] = people
      for (const text of [stays!.id, stays!.account, stays!.number, stays!.email, stays!.digest])
        assert.ok(rows.includes(text), `${text} stays`)
      for (const text of [gone!.id, gone!.account, gone!.number, gone!.email, `erasing:${gone!.digest}`])
        assert.ok(!rows.includes(text), `${text} is gone`)
    } finally {
      await server[Symbol.asyncDispose]()
    }
  },
)

const everything = async (folder: string) => (await dump(folder)).everything

/** Ids of members stay in the audit, which names nobody. */
function rowsOf(path: string): string {
  using db = new DatabaseSync(path)
  return db
    .prepare("select name from sqlite_schema where type = 'table' and name <> 'audit'")
    .all()
    .flatMap(({ name }) => db.prepare(`select * from ${name}`).all())
    .map((row) => JSON.stringify(row))
    .join('\n')
}

function withoutAudit(text: string): string {
  return text.replace(/\nCOPY public\.audit \([\s\S]*?\n\\\.\n/, '\n')
}
