/**
 * The calls that Terraform makes for `huaweicloud_meeting_user` and `huaweicloud_meeting_admin_assignment`, byte for byte and
 * in its order: a resource is created, read, changed, imported, deleted, and then is gone.
 *
 * Sources: huaweicloud/services/meeting in huaweicloud/terraform-provider-huaweicloud (config.go,
 * resource_huaweicloud_meeting_user.go, resource_huaweicloud_meeting_admin_assignment.go), and what it calls by,
 * openstack/meeting in chnsz/golangsdk (v1/users, v1/assignments, v1/auth, v2/auth). Neither is run here: they are Go.
 */

import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Answer, newNumber, paths, type Server, startServer } from './server.ts'

let server: Server
before(async () => {
  server = await startServer()
})
after(() => server[Symbol.asyncDispose]())

/** The provider has no token between two acts: it logs in for each. */
type LogIn = () => Promise<string>

const byAccount: LogIn = async () => {
  const { account, password } = server.admin
  const basic = Buffer.from(`${account}:${password}`).toString('base64')
  const answer = await request('POST', paths.accountLogin, {
    Authorization: `Basic ${basic}`,
    body: { account, clientType: 72 },
  })
  return answer.json.accessToken as string
}

/** As the default administrator: without `user_id`. */
const byApp: LogIn = async () => {
  const { id, key } = server.app
  const expireTime = Math.floor(Date.now() / 1000) + 12 * 3600
  const nonce = randomBytes(32).toString('hex')
  const hex = createHmac('sha256', key).update(`${id}::${expireTime}:${nonce}`).digest('hex')
  const answer = await request('POST', paths.appLogin, {
    Authorization: `HMAC-SHA256 signature=${hex}`,
    body: { appId: id, clientType: 72, expireTime, nonce },
  })
  return answer.json.accessToken as string
}

/** A body ends with a line feed, and a GET has the type of a body. */
function request(
  method: string,
  path: string,
  { body, ...headers }: Record<string, unknown>,
): Promise<Answer> {
  return server.call(method, path, {
    headers: {
      Accept: 'application/json',
      'User-Agent': 'golangsdk/2.0.0',
      'Content-Type': 'application/json;charset=UTF-8',
      ...headers,
    },
    ...(body !== undefined && { body: `${JSON.stringify(body)}\n` }),
  })
}

/** What the provider makes of an answer: of a GET 200 alone is success, and this one refusal means that it is gone. */
type Outcome = Record<string, unknown> | 'gone'

async function act(logIn: LogIn, method: string, path: string, body?: unknown): Promise<Outcome> {
  const headers = { 'X-Access-Token': await logIn() }
  const answer = await request(method, path, { ...headers, ...(body !== undefined && { body }) })
  if (answer.status === 400 && answer.json.error_code === 'USG.201040000') return 'gone'
  assert.equal(answer.status, 200, `${method} ${path}: ${answer.text}`)
  return answer.json
}

type Attributes = {
  readonly account?: string
  readonly third_account?: string
  readonly name: string
  readonly password: string
  readonly country?: string
  readonly department_code?: string
  readonly description?: string
  readonly email?: string
  readonly english_name?: string
  readonly phone?: string
  readonly hide_phone?: boolean
  readonly is_send_notify?: boolean
  readonly signature?: string
  readonly title?: string
  readonly sort_level?: number
  readonly status?: number
}

/** Go's `omitempty`: what is empty is not sent. */
function filled(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '' && value !== 0))
}

const users = '/v1/usg/dcs/corp/member'
const admins = '/v1/usg/dcs/corp/admin'

async function createUser(logIn: LogIn, wanted: Attributes): Promise<string> {
  const made = await act(logIn, 'POST', users, {
    ...filled({
      name: wanted.name,
      account: wanted.account ?? '',
      thirdAccount: wanted.third_account ?? '',
      country: wanted.country ?? '',
      deptCode: wanted.department_code ?? '',
      desc: wanted.description ?? '',
      email: wanted.email ?? '',
      englishName: wanted.english_name ?? '',
      phone: wanted.phone ?? '',
      pwd: wanted.password,
      sendNotify: (wanted.is_send_notify ?? true) ? '1' : '0',
      signature: wanted.signature ?? '',
      sortLevel: wanted.sort_level ?? 0,
      title: wanted.title ?? '',
    }),
    hidePhone: wanted.hide_phone ?? false,
    status: wanted.status ?? 0,
  })
  assert.ok(made !== 'gone')
  return made.userAccount as string
}

/** Into Go's types, where null leaves a field empty. */
async function readUser(logIn: LogIn, id: string) {
  const user = await act(logIn, 'GET', `${users}/${id}`)
  if (user === 'gone') return user
  const text = (name: string) => (user[name] ?? '') as string
  return {
    account: text('userAccount'),
    name: text('name'),
    third_account: text('thirdAccount'),
    country: text('country'),
    department_code: text('deptCode'),
    description: text('desc'),
    email: text('email'),
    english_name: text('englishName'),
    phone: text('phone'),
    hide_phone: user.hidePhone as boolean,
    signature: text('signature'),
    status: user.status as number,
    title: text('title'),
    sort_level: user.sortLevel as number,
    type: user.userType as number,
    department_name: text('deptName'),
  }
}

/** All but these are sent as they are in the state, also if empty. */
async function updateUser(logIn: LogIn, id: string, state: Attributes): Promise<void> {
  await act(logIn, 'PUT', `${users}/${id}`, {
    ...filled({
      country: state.country ?? '',
      name: state.name,
      phone: state.phone ?? '',
      sortLevel: state.sort_level ?? 0,
    }),
    deptCode: state.department_code ?? '',
    desc: state.description ?? '',
    email: state.email ?? '',
    englishName: state.english_name ?? '',
    hidePhone: state.hide_phone ?? false,
    signature: state.signature ?? '',
    status: state.status ?? 0,
    title: state.title ?? '',
  })
}

const deleteUser = (logIn: LogIn, id: string) => act(logIn, 'POST', `${users}/delete`, [id])
const assign = (logIn: LogIn, account: string) => act(logIn, 'POST', `${admins}`, { account })
const assigned = (logIn: LogIn, id: string) => act(logIn, 'GET', `${admins}/${id}`)
const unassign = (logIn: LogIn, id: string) => act(logIn, 'POST', `${admins}/delete`, [id])

/** Nothing to change is left after an apply: what is read has every attribute as it is wanted. */
function isApplied(
  state: Awaited<ReturnType<typeof readUser>>,
  { password: _, ...wanted }: Attributes,
): void {
  assert.ok(state !== 'gone')
  assert.partialDeepStrictEqual(state, wanted)
}

for (const [name, logIn] of [
  ['an app', byApp],
  ['an account', byAccount],
] as const)
  test(`Terraform keeps a user through all its life, logged in by ${name}`, async () => {
    const secret = { password: 'HuaweiTest@123' }
    const first = {
      account: `${logIn.name}@terraform`,
      third_account: `third-${logIn.name}`,
      name: 'Test Name',
      country: 'chinaPR',
      description: 'Created by script',
      email: `${logIn.name}@example.com`,
      english_name: 'Test English Name',
      phone: newNumber(),
      hide_phone: true,
      signature: 'HuaweiSignature',
      title: 'Test Title',
      sort_level: 5,
      status: 0,
    }
    const id = await createUser(logIn, { ...first, ...secret })
    assert.equal(id, first.account)
    const state = await readUser(logIn, id)
    isApplied(state, { ...first, ...secret })
    assert.ok(state !== 'gone')
    assert.equal(state.type, 2)

    const next = {
      ...first,
      name: 'New Test Name',
      country: 'chinaHKG',
      description: '',
      email: `new-${logIn.name}@example.com`,
      english_name: '',
      phone: logIn === byApp ? '+85251234567' : '+85251234568',
      hide_phone: false,
      signature: '',
      title: 'New Test Title',
      sort_level: 10,
      status: 1,
    }
    await updateUser(logIn, id, { ...state, ...next, ...secret })
    isApplied(await readUser(logIn, id), { ...next, ...secret })
    assert.deepEqual(await readUser(logIn, id), { ...state, ...next }, 'an import reads the same')

    // `is_admin` of the user's own resource, made and taken away
    await updateUser(logIn, id, { ...state, ...next, ...secret, status: 0 })
    await assign(logIn, id)
    await readUser(logIn, id)
    await unassign(logIn, id)

    await deleteUser(logIn, id)
    assert.equal(await readUser(logIn, id), 'gone')
    assert.equal(await createUser(logIn, { ...first, ...secret }), id, 'create after destroy')
    await deleteUser(logIn, id)
  })

test('a user of few attributes is kept as it was made: its account, and the contact that it lacks', async () => {
  for (const contact of [{ phone: newNumber() }, { email: 'few@example.com' }]) {
    const wanted = { name: 'Few', password: 'HuaweiTest@123', is_send_notify: false, ...contact }
    const id = await createUser(byApp, wanted)
    const state = await readUser(byApp, id)
    assert.ok(state !== 'gone')
    assert.deepEqual([state.account, state.department_code, state.sort_level], [id, '1', 10_000])
    await updateUser(byApp, id, { ...state, ...wanted, name: 'Still few' })
    assert.deepEqual(await readUser(byApp, id), { ...state, name: 'Still few' })
    await deleteUser(byApp, id)
    assert.equal(await readUser(byApp, id), 'gone')
  }
})

test('Terraform keeps an administrator, and sees when the role or the member is gone', async () => {
  const user = { name: 'A', password: 'HuaweiTest@123', email: 'admin@example.com', account: 'tf-admin' }
  await createUser(byApp, user)
  for (const end of [unassign, deleteUser]) {
    await assign(byApp, user.account)
    assert.partialDeepStrictEqual(await assigned(byApp, user.account), {
      account: user.account,
      adminType: 1,
    })
    await end(byApp, user.account)
    assert.equal(await assigned(byApp, user.account), 'gone')
  }
})
