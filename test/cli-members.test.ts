/** Commands about members: import, contacts, lists. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { addressKey } from '../src/address/address.ts'
import { besideServer, run } from './cli-run.ts'
import { openStoreOf } from './engine.ts'
import { until } from './until.ts'

const on = besideServer()
const { beside } = on

const numberOf = (row: number) => `+86139${String(10_000_000 + row)}`

test('an import takes the good rows, tells the bad ones by line and reason, and can be repeated', async () => {
  await beside('app', 'create', '--tenant', 'staff', '--name', 'x')
  const file = join(on.server.dataFolder, 'staff.csv')
  const rows = Array.from(
    { length: 2500 },
    (_, i) => `person${i},"Person, No. ${i}",${numberOf(i)},p${i}@example.com`,
  )
  rows[9] = 'person9,Nine,12345,p9@example.com' // line 11
  rows[1499] = 'person1499,too,few' // line 1501
  rows[2000] = `person2000,Twin,${numberOf(1)},` // line 2002
  rows[2001] = 'person1,Again,,' // line 2003
  rows[2002] = ',Nobody,,' // line 2004
  rows[2003] = '"person"2003,x,,' // line 2005
  rows[2004] = 'person:2004,x,,' // line 2006
  writeFileSync(file, `\uFEFFaccount,name,phone,email\r\n${rows.join('\r\n')}\r\n`)

  const first = await beside('member', 'import', file, '--tenant', 'staff', '--json')
  assert.equal(first.code, 1)
  assert.deepEqual(JSON.parse(first.out), { added: 2493, updated: 0, unchanged: 0, refused: 7 })
  const told = first.err
    .split('\n')
    .filter((line) => line.startsWith(file))
    .map((line) => line.slice(file.length + 1))
  assert.deepEqual(told, [
    '11: phone: is no valid mobile number with + and country code, such as +8613800138000',
    '1501: has 3 fields, the first line names 4',
    '2003: account: stands already in line 3',
    '2004: account: takes 1 to 64 characters',
    '2005: has text after a closing quote; a quote within quotes is doubled',
    '2006: account: must hold no colon and no control characters',
    '2002: the number belongs to another member',
  ])
  assert.match(first.err, /^1000 of 2500 rows\n.*^2000 of 2500 rows\n.*^2500 of 2500 rows$/ms)

  const second = await beside('member', 'import', file, '--tenant', 'staff', '--json')
  assert.deepEqual(JSON.parse(second.out), { added: 0, updated: 0, unchanged: 2493, refused: 7 })
  const listed = (await beside('member', 'list', '--tenant', 'staff', '--json')).out.split('\n')
  assert.equal(listed.length, 2493)
  assert.doesNotMatch(listed.join(), /\+86139\d{8}|p\d+@/)
})

test('a repeated import does not undo what a member changed since, unless it is told to', async () => {
  await beside('app', 'create', '--tenant', 'repeat', '--name', 'x')
  const file = join(on.server.dataFolder, 'repeat.csv')
  const importing = async (row: string, ...flags: readonly string[]) => {
    writeFileSync(file, `account,name,phone,role,password\n${row}\n`)
    return JSON.parse((await beside('member', 'import', file, '--tenant', 'repeat', '--json', ...flags)).out)
  }
  const stored = async () => {
    await using store = await openStoreOf(on.server.dataFolder)
    const { phone, passwordHash, role } = (await store.directory.memberByAccount('repeat', 'ann'))!
    return { phone: phone && addressKey(phone), passwordHash, role }
  }
  assert.equal((await importing('ann,Ann,+8613712345670,admin,secret-one')).added, 1)
  const before = await stored()
  assert.match(before.passwordHash!, /^\$argon2id\$/)
  assert.equal((await importing('ann,Ann,+8613712345671,,secret-two')).unchanged, 1)
  assert.deepEqual(await stored(), before)
  assert.equal((await importing('ann,Ann B,,,')).updated, 1)
  assert.deepEqual(await stored(), before)
  assert.equal((await importing('ann,Ann B,+8613712345671,,', '--replace-contacts')).updated, 1)
  assert.equal((await stored()).phone, 'tel:+8613712345671')
})

/** Notices of a change, by where they went, as the server delivered them. */
const noticesTo = (to: string, count: number) =>
  until(async () => {
    const found = (await on.server.inbox(to)).filter(({ template }) => template === 'contact-changed')
    return found.length === count && found.map(({ text }) => text)
  })

test('N-6: an import that replaces contacts does what each cell says, and tells the contacts that were', async () => {
  await beside('app', 'create', '--tenant', 'replaced', '--name', 'x')
  const file = join(on.server.dataFolder, 'replaced.csv')
  const importing = async (text: string, ...flags: readonly string[]) => {
    writeFileSync(file, text)
    const { out, err } = await beside('member', 'import', file, '--tenant', 'replaced', '--json', ...flags)
    return { ...JSON.parse(out), err }
  }
  const stored = async (account: string) => {
    await using store = await openStoreOf(on.server.dataFolder)
    const { phone, phoneCountry, email, profile } = (await store.directory.memberByAccount(
      'replaced',
      account,
    ))!
    return [phone && addressKey(phone), phoneCountry, email && addressKey(email), profile.name]
  }
  const [ann, bob, cid] = ['+8613712345601', '+8613712345602', '+8613712345603']
  await importing(
    `account,phone,email\nann,${ann},ann@example.com\nbob,${bob},bob@example.com\ncid,${cid},\n`,
  )
  const has = {
    ann: [`tel:${ann}`, 'chinaPR', 'mailto:ann@example.com', 'ann'],
    bob: [`tel:${bob}`, 'chinaPR', 'mailto:bob@example.com', 'bob'],
  }
  // Without the flag an empty cell and another value leave what is there.
  assert.equal((await importing('account,phone,email\nann,,\nbob,+8613712345609,\n')).unchanged, 2)
  // Nor is anything taken away for want of a column.
  assert.equal((await importing('account,name\nann,ann\n', '--replace-contacts')).unchanged, 1)
  assert.deepEqual([await stored('ann'), await stored('bob')], [has.ann, has.bob])

  const told = await importing(
    `account,phone,email\nbob,${ann},bob@example.com\nann,,ann@example.com\ncid,${cid},cid@example.com\n`,
    ...['--replace-contacts', '--language', 'en-US'],
  )
  assert.deepEqual([told.added, told.updated, told.unchanged, told.refused], [0, 3, 0, 0], told.err)
  assert.deepEqual(await stored('ann'), [null, null, 'mailto:ann@example.com', 'ann'])
  assert.deepEqual(await stored('bob'), [`tel:${ann}`, 'chinaPR', 'mailto:bob@example.com', 'bob'])
  assert.deepEqual(await stored('cid'), [`tel:${cid}`, 'chinaPR', 'mailto:cid@example.com', 'cid'])
  for (const to of [ann, 'ann@example.com'])
    assert.match((await noticesTo(to, 1))[0]!, /contact .*changed to none on /)
  for (const to of [bob, 'bob@example.com'])
    assert.match((await noticesTo(to, 1))[0]!, /contact .*changed to \+86137\*+5601 on /)
  assert.deepEqual(await noticesTo(cid, 0), [], 'nothing that was is gone')

  const bound = await importing(`account,phone\nann,\nbob,${cid}\n`, '--replace-contacts')
  assert.deepEqual([bound.unchanged, bound.refused], [1, 1])
  assert.match(bound.err, /:3: phone: it belongs to another member; clear it there first/)
})

test('N-6: support sets and clears a contact; the one that was is told, and the journal tells who did it', async () => {
  await beside('app', 'create', '--tenant', 'support', '--name', 'x')
  const [lost, found, other] = ['+8613712345611', '+8613712345612', '+8613712345613']
  for (const [account, phone] of [
    ['dee', lost],
    ['eve', other],
  ] as const)
    await beside(
      'member',
      'add',
      '--tenant',
      'support',
      '--account',
      account,
      '--phone',
      phone,
      '--no-password',
    )
  const act = (command: string, ...args: readonly string[]) =>
    beside('member', command, 'dee', '--tenant', 'support', ...args)
  const set = await act('set-contact', '--phone', found, '--email', 'dee@example.com')
  assert.deepEqual(set, {
    code: 0,
    out: 'Member dee: phone is now +86137****5612; 1 notice is on the way.\nMember dee: email is now d***@example.com; 1 notice is on the way.',
    err: '',
  })
  assert.match((await noticesTo(lost, 1))[0]!, /改为\+86137\*+5612/)
  assert.match((await noticesTo(found, 1))[0]!, /改为d\*+@example\.com/)
  assert.match((await act('set-contact', '--phone', found)).out, /phone was \+86137.*0 notices/)
  assert.match(
    (await act('set-contact', '--phone', other)).err,
    /--phone: it belongs to another member; clear it/,
  )
  assert.match((await act('set-contact', '--phone', '123')).err, /phone: is no valid mobile number/)
  for (const command of ['set-contact', 'clear-contact'])
    assert.match((await act(command)).err, /state --phone, --email, or both/)
  assert.match(
    (await beside('member', 'clear-contact', 'nobody', '--tenant', 'support', '--phone')).err,
    /no member/,
  )

  const cleared = await act('clear-contact', '--phone', '--json')
  assert.deepEqual(JSON.parse(cleared.out), {
    account: 'dee',
    contact: 'phone',
    address: null,
    isChanged: true,
    notices: 2,
  })
  assert.match((await noticesTo(found, 2)).join('\n'), /改为无/)
  await using store = await openStoreOf(on.server.dataFolder)
  const member = (await store.directory.memberByAccount('support', 'dee'))!
  assert.deepEqual(
    [member.phone, member.phoneCountry, member.email && addressKey(member.email)],
    [null, null, 'mailto:dee@example.com'],
  )
  const history = await store.journal.read({ sinceMs: 0, most: 100_000, kind: 'contact-changed' })
  assert.deepEqual(
    history.filter((one) => one.member === member.id).map(({ detail }) => detail),
    [
      { contact: 'phone', cause: 'operator', notices: 1 },
      { contact: 'email', cause: 'operator', notices: 1 },
      { contact: 'phone', cause: 'operator', notices: 2 },
    ],
  )
})

test('a member that logged in before it was imported stays the same member', async () => {
  const account = 'early bird'
  await on.server.logIn(account)
  const text = `account,name\n${account},Bird\n`
  const { code, out } = await run(
    ['member', 'import', '-', '--tenant', 'demo', '--json', '--data', on.server.dataFolder],
    { readInput: async () => Buffer.from(text), env: on.server.env },
  )
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(out), { added: 0, updated: 1, unchanged: 0, refused: 0 })
})

test('a file that cannot be imported is refused whole', async () => {
  const file = join(on.server.dataFolder, 'bad.csv')
  for (const [content, reason] of [
    ['name\nx\n', /first line must name columns, account among them/],
    ['account,color\nx,red\n', /unknown: color/],
    ['account\n"x\n', /:2: a quote is never closed; nothing was imported/],
    [Buffer.from([0x61, 0xff, 0x0a]), /cannot be read as UTF-8/],
  ] as const) {
    writeFileSync(file, content)
    const { code, err } = await beside('member', 'import', file, '--tenant', 'demo')
    assert.equal(code, 2)
    assert.match(err, reason)
  }
  assert.equal((await beside('member', 'import', file, '--tenant', 'none')).code, 2)
})

test('a member’s name is shown plainly in every list, whatever is in it', async () => {
  const name = 'Mallory\u001b[2K\rgood  store  \u202e'
  await beside('member', 'add', '--tenant', 'demo', '--account', 'mallory', '--name', name, '--no-password')
  await beside('app', 'create', '--tenant', 'demo', '--name', 'two\nlines')
  const members = (await beside('member', 'list', '--tenant', 'demo')).out
  assert.match(members, /mallory {2}Mallory\\u001b\[2K\\u000dgood/)
  const apps = (await beside('app', 'list')).out
  assert.match(apps, /two\\u000alines/)
  for (const out of [members, apps]) assert.doesNotMatch(out, /(?!\n)[\p{Cc}\u202e]/u)
})

test('a password that is too short is refused, the other rows are taken', async () => {
  const file = join(on.server.dataFolder, 'short.csv')
  writeFileSync(file, 'account,password\nshort,1234567\nlong,12345678\n')
  const { out, err } = await beside('member', 'import', file, '--tenant', 'demo')
  assert.match(err, /:2: password: takes 8 to 128 characters/)
  assert.match(out, /1 added, 0 updated, 0 unchanged, 1 refused/)
})
