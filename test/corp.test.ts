/** Members, administrators, enterprise and departments over the wire: every call, and who may make it. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { corpAnswerFields } from '../src/http/huawei/corp-answer-fields.ts'
import type { Fields } from '../src/http/huawei/member-fields.ts'
import { run } from './cli-run.ts'
import { holds } from './held-fields.ts'
import { type Answer, appLogin, newNumber, paths, type Server, startServer } from './server.ts'

let server: Server
/** Of the default administrator. */
let root: string
before(async () => {
  server = await startServer()
  const made = await server.call('POST', paths.appLogin, appLogin(server.app))
  assert.equal(made.status, 200, made.text)
  root = made.json.accessToken as string
})
after(() => server[Symbol.asyncDispose]())

const answered = new Set<string>()

/** @param name  As in the table of fields; its `{account}` and such are the values. */
async function call(
  name: string,
  token: string,
  body?: unknown,
  values: readonly string[] = [],
  query = '',
): Promise<Answer> {
  const [method, path] = name.split(' ') as [string, string]
  const left = [...values]
  const url = path.replaceAll(/\{\w+\}/g, () => left.shift()!) + query
  const answer = await server.call(method, url, { token, ...(body !== undefined && { body }) })
  if (answer.status !== 200) return answer
  const fields: Fields | readonly [Fields] = corpAnswerFields[name as keyof typeof corpAnswerFields]
  if (Array.isArray(fields))
    for (const each of answer.json as unknown as []) holds(each, fields[0] as Fields, name)
  else holds(answer.json, fields as Fields, name)
  answered.add(name)
  return answer
}

function refused(answer: Answer, status: number, code: string): void {
  assert.equal(`${answer.status} ${answer.json.error_code}`, `${status} ${code}`, answer.text)
}

function done(answer: Answer): Record<string, unknown> {
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

const add = 'POST /v1/usg/dcs/corp/member'
const show = 'GET /v1/usg/dcs/corp/member/{account}'
const update = 'PUT /v1/usg/dcs/corp/member/{account}'
const remove = 'POST /v1/usg/dcs/corp/member/delete'
const recovery = 'POST /v1/usg/dcs/member/contact/recovery'
const search = 'GET /v1/usg/dcs/corp/member'

test('a member is added, shown, found, changed and deleted, and then is 400, as Terraform needs', async () => {
  const [phone, next] = [newNumber(), newNumber()]
  const account = 'alice@ent01'
  const made = done(
    await call(add, root, {
      name: 'Alice',
      account,
      phone,
      email: 'alice@example.com',
      thirdAccount: 't-alice',
      pwd: 'good-pass-1',
      sendNotify: '0',
      sortLevel: 7,
    }),
  )
  assert.deepEqual([made.userAccount, made.phone, made.sortLevel, made.adminType], [account, phone, 7, 2])
  assert.equal(done(await call(show, root, undefined, [account])).id, made.id)
  assert.equal(done(await call(show, root, undefined, ['t-alice'], '?accountType=1')).id, made.id)
  const found = done(await call(search, root, undefined, [], '?searchKey=alic&limit=5&offset=50'))
  assert.deepEqual([found.offset, found.limit, found.count], [0, 5, 1])

  const changed = done(await call(update, root, { name: 'Alice B', phone: next }, [account]))
  assert.deepEqual([changed.name, changed.phone, changed.email], ['Alice B', next, 'alice@example.com'])
  for (let tries = 0; tries < 200 && (await server.inbox(phone)).length === 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal((await server.inbox(phone))[0]?.template, 'contact-changed', 'the old number is told')

  refused(await call(add, root, { name: 'Twin', phone: next }), 400, 'USG.206010065')
  refused(await call(add, root, { name: 'Twin', email: 'ALICE@example.com' }), 400, 'USG.206010066')
  refused(await call(add, root, { name: 'Twin', account, phone: newNumber() }), 400, 'USG.000000003')
  refused(await call(remove, root, [account, 'nobody']), 400, 'USG.201040000')
  assert.equal(done(await call(show, root, undefined, [account])).status, 0, 'a batch is whole or not at all')
  done(await call(remove, root, [account]))
  refused(await call(show, root, undefined, [account]), 400, 'USG.201040000')
  refused(await call(update, root, { name: 'x' }, [account]), 400, 'USG.201040000')
  done(await call(add, root, { name: 'Alice again', account, phone: next }))
})

test('a recovery is started and cancelled', async () => {
  done(await call(add, root, { name: 'Rae', account: 'rae', phone: newNumber() }))
  const started = done(
    await call(recovery, root, { account: 'rae', contact: newNumber(), country: 'chinaPR' }),
  )
  assert.ok(Number(started.effectiveTime) > Date.now())
  done(await call(`${recovery}/cancel`, root, { account: 'rae' }))
})

test('an account with slashes is found by its path, as the SDKs for Go, Java and Node write it', async () => {
  const account = 'ent01/users/三'
  await server.logIn(account)
  const raw = encodeURI(account)
  assert.equal(done(await call(show, root, undefined, [raw], '?accountType=1')).userAccount, account)
  assert.equal(done(await call(update, root, { name: 'Slash' }, [raw])).name, 'Slash')
  done(await call('POST /v1/usg/dcs/corp/admin', root, { account }))
  const one = 'GET /v1/usg/dcs/corp/admin/{account}'
  assert.equal(done(await call(one, root, undefined, [raw])).account, account)
  for (const name of [show, one])
    for (const absent of ['ent01/nobody', 'nobody/', '%2Fnobody'])
      refused(await call(name, root, undefined, [absent]), 400, 'USG.201040000')
  done(await call('POST /v1/usg/dcs/corp/admin/delete', root, [account]))
  refused(
    await server.call('PUT', '/v1/usg/dcs/corp/member/status/2', { token: root, body: ['x'] }),
    400,
    'USG.000000003',
  )
})

test('a wrong new member is refused', async () => {
  for (const [wrong, code] of [
    [{ phone: newNumber() }, 'USG.000000003'],
    [{ name: 'x' }, 'USG.000000003'],
    [{ name: 'x', phone: 'x@example.com' }, 'USG.000000003'],
    [{ name: 'x', phone: newNumber(), country: 'usa' }, 'USG.201040025'],
    [{ name: 'x', phone: newNumber(), account: '12345' }, 'USG.000000003'],
    [{ name: 'x', phone: newNumber(), account: 'a@.b' }, 'USG.000000003'],
    [{ name: 'x', phone: newNumber(), sortLevel: 10_001 }, 'USG.000000003'],
    [{ name: 'x', phone: newNumber(), deptCode: 'absent' }, 'USG.000000003'],
    [{ name: 'x', phone: newNumber(), pwd: 'aaaa1111' }, 'USG.201040016'],
  ] as const)
    refused(await call(add, root, wrong), 400, code)
  for (const query of ['?limit=501', '?limit=0', '?offset=-1', '?adminType=3'])
    refused(await call(search, root, undefined, [], query), 400, 'USG.000000003')
})

test('members are started and stopped, invited, and seen by colleagues without a hidden phone', async () => {
  const [phone, contact] = [newNumber(), newNumber()]
  const hidden = done(await call(add, root, { name: 'Hidden', account: 'hidden', phone, hidePhone: true }))
  const status = 'PUT /v1/usg/dcs/corp/member/status/{value}'
  done(await call(status, root, ['hidden'], ['1']))
  assert.equal(done(await call(show, root, undefined, ['hidden'])).status, 1)
  done(await call(status, root, ['hidden'], ['0']))
  refused(await call(status, root, ['hidden'], ['2']), 400, 'USG.000000003')
  const invite = 'POST /v1/usg/dcs/corp/member/add'
  assert.equal(done(await call(invite, root, { name: 'Invited', contact })).userExist, false)
  assert.equal(done(await call(invite, root, { name: 'Invited', contact })).userExist, true)

  const colleague = await server.logIn('colleague')
  const list = done(await call('POST /v1/usg/abs/users/list', colleague, [{ id: hidden.id }, { id: 'none' }]))
  const [first, second] = list as unknown as Record<string, unknown>[]
  assert.deepEqual([first!.statusCode, first!.phone, second!.statusCode], [0, null, 2])
  const users = 'GET /v1/usg/abs/users'
  const seen = done(await call(users, colleague, undefined, [], '?searchKey=Hidden')).data as Record<
    string,
    unknown
  >[]
  assert.deepEqual(
    seen.map((one) => [one.account, one.phone]),
    [['hidden', null]],
  )
  const own = await server.logIn('hidden')
  const self = done(await call(users, own, undefined, [], '?searchKey=Hidden')).data as Record<
    string,
    unknown
  >[]
  assert.equal(self[0]!.phone, phone)
  assert.equal(done(await call(users, colleague, undefined, [], `?searchKey=${phone.slice(1)}`)).count, 0)
})

test('departments are a tree that only empties from below', async () => {
  const dept = 'POST /v1/usg/dcs/corp/dept'
  const [change, drop] = ['PUT /v1/usg/dcs/corp/dept/{dept_code}', 'DELETE /v1/usg/dcs/corp/dept/{dept_code}']
  assert.equal(done(await call(dept, root, { deptCode: 'sales', deptName: 'Sales' })).value, 'sales')
  const asia = done(
    await call(dept, root, { deptName: 'Asia', parentDeptCode: 'sales', designatedOutDeptCodes: ['sales'] }),
  ).value as string
  const shown = done(await call('GET /v1/usg/dcs/member/dept/{dept_code}', root, undefined, [asia]))
  assert.deepEqual([shown.deptLevel, shown.parentDeptCode, shown.isLeafNode], [2, 'sales', true])
  assert.deepEqual(shown.designatedOutDeptCodes, [{ id: 'sales', mark: 'Sales' }])
  const top = done(await call('GET /v1/usg/abs/departments/{dept_code}', root, undefined, ['1']))
  assert.equal(top.isLeafNodes, false)
  const named = done(await call('GET /v1/usg/dcs/member/dept', root, undefined, [], '?deptName=asi'))
  assert.equal((named as unknown as { deptCode: string }[])[0]?.deptCode, asia)
  const member = done(
    await call(add, root, { name: 'M', account: 'of-asia', phone: newNumber(), deptCode: asia }),
  )
  assert.ok(String(member.deptNamePath).endsWith('/Sales/Asia'))
  assert.equal(done(await call(search, root, undefined, [], '?deptCode=sales')).count, 1)
  assert.equal(done(await call(search, root, undefined, [], '?deptCode=sales&enableSubDept=false')).count, 0)
  for (const code of [asia, 'sales', '1', 'absent'])
    refused(await call(drop, root, undefined, [code]), 400, 'USG.000000003')
  refused(await call(change, root, { parentDeptCode: asia }, ['sales']), 400, 'USG.000000003')
  done(await call(change, root, { deptName: 'East' }, [asia]))
  done(await call(remove, root, ['of-asia']))
  done(await call(drop, root, undefined, [asia]))
  done(await call(drop, root, undefined, ['sales']))
})

test('only the default administrator makes administrators, and is out of reach of the others', async () => {
  const admins = 'POST /v1/usg/dcs/corp/admin'
  const one = 'GET /v1/usg/dcs/corp/admin/{account}'
  const drop = 'POST /v1/usg/dcs/corp/admin/delete'
  const ordinary = await server.logIn('ordinary')
  await server.logIn('other')
  refused(await call(one, root, undefined, ['ordinary']), 400, 'USG.201040000')
  for (const account of ['ordinary', 'other']) done(await call(admins, root, { account }))
  assert.equal(done(await call(one, root, undefined, ['ordinary'])).adminType, 1)
  const list = done(await call('GET /v1/usg/dcs/corp/admin', ordinary)).data as Record<string, unknown>[]
  const chief = list.find(({ adminType }) => adminType === 0)!.account as string
  assert.equal(list.length, 3)
  for (const account of [chief, 'other']) {
    refused(await call(update, ordinary, { email: 'mine@example.com' }, [account]), 403, 'USG.000000008')
    refused(await call(remove, ordinary, [account]), 403, 'USG.000000008')
    refused(await call(drop, ordinary, [account]), 403, 'USG.000000008')
  }
  refused(await call(remove, root, [chief]), 400, 'USG.000000003')
  done(await call('PUT /v1/usg/dcs/corp', ordinary, { address: '1 Main Street' }))
  const corp = done(await call('GET /v1/usg/dcs/corp', ordinary))
  assert.deepEqual([corp.address, corp.account, corp.autoUserCreate], ['1 Main Street', chief, true])
  done(await call(drop, root, ['ordinary', 'other']))
})

/** A command beside the server. */
async function beside(...args: string[]): Promise<string> {
  const { code, out, err } = await run([...args, '--json', '--data', server.dataFolder], { env: server.env })
  assert.equal(code, 0, err)
  return out
}

/** Of another tenant. */
const rivalApp = async (...more: string[]) =>
  JSON.parse(await beside('app', 'create', '--tenant', 'rival', '--name', 'rival', ...more)) as Server['app']

test('for another enterprise nobody and nothing of this one exists, and its names are free', async () => {
  const app = await rivalApp()
  await beside('member', 'add', '--tenant', 'rival', '--account', 'boss', '--role', 'default')
  const rival = await server.call('POST', paths.appLogin, appLogin(app))
  assert.equal(rival.status, 200, rival.text)
  const other = String(rival.json.accessToken)
  const [account, phone, deptCode] = ['both-have', newNumber(), 'both-dept']
  const made = done(await call(add, root, { name: 'Ours', account, phone, thirdAccount: 'both-third' }))
  done(await call('POST /v1/usg/dcs/corp/dept', root, { deptCode, deptName: 'Ours' }))
  const unknown: readonly [string, unknown, string[]][] = [
    [show, undefined, [account]],
    [`${show}?accountType=1`, undefined, ['both-third']],
    [update, { name: 'x' }, [account]],
    [remove, [account], []],
    ['PUT /v1/usg/dcs/corp/member/status/{value}', [account], ['1']],
    ['POST /v1/usg/dcs/corp/admin', { account }, []],
    ['GET /v1/usg/dcs/corp/admin/{account}', undefined, [account]],
    ['POST /v1/usg/dcs/corp/admin/delete', [account], []],
    ['PUT /v1/usg/acs/password/admin/reset', { account }, []],
  ]
  for (const [name, body, values] of unknown)
    refused(await call(name, other, body, values), 400, 'USG.201040000')
  for (const [name, body] of [
    ['PUT /v1/usg/dcs/corp/dept/{dept_code}', { deptName: 'x' }],
    ['DELETE /v1/usg/dcs/corp/dept/{dept_code}', undefined],
    ['GET /v1/usg/dcs/member/dept/{dept_code}', undefined],
    ['GET /v1/usg/abs/departments/{dept_code}', undefined],
  ] as const)
    refused(await call(name, other, body, [deptCode]), 400, 'USG.000000003')
  const listed = done(await call('POST /v1/usg/abs/users/list', other, [{ id: made.id }]))
  assert.equal((listed as unknown as { statusCode: number }[])[0]!.statusCode, 2)
  for (const name of [search, 'GET /v1/usg/abs/users', 'GET /v1/usg/dcs/corp/admin'])
    assert.equal(done(await call(name, other, undefined, [], '?searchKey=both')).count, 0, name)
  assert.equal(done(await call('GET /v1/usg/dcs/corp', other)).id, 'rival')
  assert.deepEqual(
    done(await call('GET /v1/usg/dcs/member/dept', other, undefined, [], '?deptName=Ours')),
    [],
  )
  const theirs = { name: 'Theirs', account, phone, thirdAccount: 'both-third', sendNotify: '0' }
  refused(await call(add, other, { ...theirs, pwd: 'good-pass-1' }), 400, 'USG.000000003')
  done(await call(add, other, theirs))
  done(await call('POST /v1/usg/dcs/corp/dept', other, { deptCode, deptName: 'Theirs' }))
  assert.equal(done(await call(show, root, undefined, [account])).name, 'Ours')
})

test('the app of a service provider acts in the enterprise that its login named, by the role of its member', async () => {
  const provider = await rivalApp('--service-provider')
  const as = async (corpId: string, userId?: string) => {
    const login = appLogin(provider, { corpId, ...(userId !== undefined && { userId }) })
    const answer = await server.call('POST', paths.appLogin, login)
    assert.equal(answer.status, 200, answer.text)
    return String(answer.json.accessToken)
  }
  const [here, there] = [await as('demo'), await as('rival')]
  done(await call(add, here, { name: 'Made', account: 'by-provider', phone: newNumber() }))
  assert.equal(done(await call(show, root, undefined, ['by-provider'])).name, 'Made')
  refused(await call(show, there, undefined, ['by-provider']), 400, 'USG.201040000')
  refused(await call(search, await as('demo', 'plain')), 403, 'USG.000000008')
})

/** Who may make each call; each is made on what does not exist, so that a permitted one changes nothing. */
test('each call is for its roles', async () => {
  const calls: readonly [string, 'member' | 'admin' | 'default', unknown, string[]][] = [
    [add, 'admin', {}, []],
    [search, 'admin', undefined, []],
    [show, 'admin', undefined, ['absent']],
    [update, 'admin', {}, ['absent']],
    [remove, 'admin', ['absent'], []],
    ['PUT /v1/usg/dcs/corp/member/status/{value}', 'admin', ['absent'], ['1']],
    ['POST /v1/usg/dcs/corp/member/add', 'admin', {}, []],
    [recovery, 'admin', {}, []],
    [`${recovery}/cancel`, 'admin', { account: 'absent' }, []],
    ['POST /v1/usg/abs/users/list', 'member', [{ id: 'absent' }], []],
    ['GET /v1/usg/abs/users', 'member', undefined, []],
    ['POST /v1/usg/dcs/corp/admin', 'default', { account: 'absent' }, []],
    ['GET /v1/usg/dcs/corp/admin', 'admin', undefined, []],
    ['GET /v1/usg/dcs/corp/admin/{account}', 'admin', undefined, ['absent']],
    ['POST /v1/usg/dcs/corp/admin/delete', 'default', ['absent'], []],
    ['GET /v1/usg/dcs/corp', 'admin', undefined, []],
    ['PUT /v1/usg/dcs/corp', 'admin', {}, []],
    ['POST /v1/usg/dcs/corp/dept', 'admin', {}, []],
    ['PUT /v1/usg/dcs/corp/dept/{dept_code}', 'admin', {}, ['absent']],
    ['DELETE /v1/usg/dcs/corp/dept/{dept_code}', 'admin', undefined, ['absent']],
    ['GET /v1/usg/dcs/member/dept', 'member', undefined, []],
    ['GET /v1/usg/dcs/member/dept/{dept_code}', 'member', undefined, ['1']],
    ['GET /v1/usg/abs/departments/{dept_code}', 'member', undefined, ['1']],
  ]
  assert.deepEqual(calls.map(([name]) => name).sort(), Object.keys(corpAnswerFields).sort())
  const admin = await server.logIn('by-role')
  done(await call('POST /v1/usg/dcs/corp/admin', root, { account: 'by-role' }))
  const tokens = { member: await server.logIn('plain'), admin, default: root }
  const ranks = ['member', 'admin', 'default'] as const
  for (const [name, least, body, values] of calls) {
    refused(await call(name, 'x'.repeat(40), body, values), 401, 'USG.206020000')
    for (const rank of ranks) {
      const answer = await call(name, tokens[rank], body, values)
      if (ranks.indexOf(rank) < ranks.indexOf(least)) refused(answer, 403, 'USG.000000008')
      else assert.ok(answer.status === 200 || answer.status === 400, `${rank} ${name}: ${answer.text}`)
    }
  }
  assert.deepEqual([...answered].sort(), Object.keys(corpAnswerFields).sort(), 'all calls were answered')
})
