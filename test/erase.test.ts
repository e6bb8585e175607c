/** A person who is erased is in no row of any engine any more; others are as they were. */

import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { addressKey, limiterKey } from '../src/address/address.ts'
import { newIssue, newKey, newMessage } from '../src/store/conformance/fixtures.ts'
import { digestOf } from '../src/throttle/policy.ts'
import { run } from './cli-run.ts'
import { dropStore, openStoreOf } from './engine.ts'
import { appLogin, newNumber, paths, startServer, temporaryFolder } from './server.ts'
import { rowsWithoutAudit } from './store-dump.ts'

test('A-7: what was kept about an erased person is gone from every table, and of others nothing', async () => {
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
      const digest = digestOf(limiterKey(member.phone!))
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
          { ...limit, scope: 'member-address', key: `im:undo:${digest}-holder` },
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
    const rows = await rowsWithoutAudit(folder)
    const [gone, stays] = people
    for (const text of [stays!.id, stays!.account, stays!.number, stays!.email, stays!.digest])
      assert.ok(rows.includes(text), `${text} stays`)
    for (const text of [
      gone!.id,
      gone!.account,
      gone!.number,
      gone!.email,
      `erasing:${gone!.digest}`,
      `undo:${gone!.digest}`,
    ])
      assert.ok(!rows.includes(text), `${text} is gone`)
  } finally {
    await server[Symbol.asyncDispose]()
  }
})

test('A-9: the counts of undoing stay while somebody else may undo by the number of an erased member', async () => {
  const folder = temporaryFolder()
  const server = await startServer({ dataFolder: folder })
  const beside = async (...args: string[]) => {
    const { code, err } = await run([...args, '--data', folder], { env: server.env })
    assert.equal(code, 0, err)
  }
  try {
    const number = newNumber()
    const member = ['--tenant', 'demo', '--account', 'victim', '--phone', number]
    await beside('member', 'add', ...member)
    await beside('member', 'set-contact', 'victim', '--tenant', 'demo', '--phone', newNumber())
    await beside('app', 'create', '--name', 'A', '--tenant', 'hostile')
    await beside('member', 'add', '--tenant', 'hostile', '--account', 'pretext', '--phone', number)
    await using store = await openStoreOf(folder)
    const digest = digestOf(`tel:${number}`)
    const key = `wm:undo:${digest}:${digest}`
    const rules = [{ kind: 'window', max: 1, perMs: 600_000 }] as const
    const limit = { scope: 'member', form: 'events', rules, key } as const
    const issue = newIssue({ limits: [limit] })
    assert.equal((await store.verifications.issue(issue)).kind, 'issued')
    await beside('member', 'erase', 'pretext', '--tenant', 'hostile')
    assert.equal((await store.verifications.issue(newIssue({ limits: [limit] }))).kind, 'throttled')
  } finally {
    await server[Symbol.asyncDispose]()
  }
})

test('A-7: members whom an administrator deletes are erased, also by the next server if this one is killed', async () => {
  const dataFolder = temporaryFolder()
  let server = await startServer({ dataFolder })
  try {
    const root = async () =>
      (await server.call('POST', paths.appLogin, appLogin(server.app))).json.accessToken as string
    const deleted: string[] = []
    const made = async (nth: number) => {
      const body = { name: `Gone ${nth}`, account: `gone-${nth}`, phone: newNumber() }
      const answer = await server.call('POST', '/v1/usg/dcs/corp/member', { token: await root(), body })
      assert.equal(answer.status, 200, answer.text)
      const token = await server.logIn(body.account)
      const sent = { contact: body.phone, country: 'chinaPR' }
      assert.equal((await server.call('POST', paths.send, { token, body: sent })).status, 200)
      await server.codeFor(body.phone)
      deleted.push(body.phone, String(answer.json.id))
      return body.account
    }
    const remove = async (...accounts: readonly string[]) => {
      const call = { token: await root(), body: accounts }
      assert.equal((await server.call('POST', '/v1/usg/dcs/corp/member/delete', call)).status, 200)
    }
    const isErased = async () => {
      const ids = deleted.filter((_, at) => at % 2 === 1)
      await using store = await openStoreOf(dataFolder)
      for (let tries = 0; tries < 600 && (await store.erasures.areLeft(ids)); tries++) await pause(100)
      assert.equal(await store.erasures.areLeft(ids), false)
      for (const phone of deleted.filter((_, at) => at % 2 === 0))
        assert.deepEqual((await store.verifications.find({ address: `tel:${phone}`, sinceMs: 0 })).found, [])
    }
    await remove(await made(1), await made(2))
    await isErased()
    await remove(await made(3), await made(4))
    await server.kill()
    server = await startServer({ dataFolder })
    await isErased()
  } finally {
    await server[Symbol.asyncDispose]()
    await dropStore(dataFolder)
    rmSync(dataFolder, { recursive: true, force: true })
  }
})

test('after a restore those are erased again whom the audit has as deleted, and none who came later', async () => {
  await using server = await startServer()
  const folder = server.dataFolder
  const beside = async (...args: readonly string[]) => run([...args, '--data', folder], { env: server.env })
  const done = async (...args: readonly string[]) => {
    const { code, out, err } = await beside(...args)
    assert.equal(code, 0, err)
    return out
  }
  await using store = await openStoreOf(folder)
  await done('app', 'create', '--name', 'A', '--tenant', 'restored', '--json')
  const of = ['--tenant', 'restored']
  const added = async (account: string) => {
    const made = await done('member', 'add', ...of, '--account', account, '--phone', newNumber(), '--json')
    return (await store.directory.member((JSON.parse(made) as { id: string }).id))!
  }
  const [gone, later, stays] = [await added('gone'), await added('later'), await added('stays')]
  for (const account of ['gone', 'later']) await done('member', 'erase', account, ...of)
  const file = join(folder, 'audit.jsonl')
  writeFileSync(file, await done('audit', 'export'))
  // As a restore brings it back, and as an administrator adds it once more.
  await store.directory.putMembers([gone, { ...later, createdAt: Date.now() + 3_600_000 }])
  const cut = join(folder, 'cut.jsonl')
  writeFileSync(cut, readFileSync(file, 'utf8').replace('member.erase', 'member.delete'))
  const refused = await beside('member', 'erase-again', cut)
  assert.ok(refused.code !== 0 && /altered/.test(refused.err), refused.err)
  assert.ok(await store.directory.member(gone.id))
  const { ended, erased } = JSON.parse(await done('member', 'erase-again', file, '--json')) as Record<
    string,
    number
  >
  assert.deepEqual([ended, erased], [2, 1])
  const left = await Promise.all([gone, later, stays].map(({ id }) => store.directory.member(id)))
  assert.deepEqual(left.map(Boolean), [false, true, true])
})
