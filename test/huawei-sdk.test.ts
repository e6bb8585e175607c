/**
 * The official SDK for Node, unmodified, over every call of the wire: what it sends arrives, the answers have the documented
 * types, and a refusal becomes its exception, by role.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { answerFields } from '../src/http/huawei/answer-fields.ts'
import { type Parameters, type Program, programOf, sdkPeer } from './huawei-sdk-program.ts'
import { holeIn } from './puzzle.ts'
import { newNumber, type Server, startServer } from './server.ts'

/** Not in this SDK, which logs in by account, or not called here. */
const elsewhere = /appauth|v2.*validate|contact\/(undo|recovery)|member\/recovery/

let server: Server
before(async () => {
  if (sdkPeer.skip === undefined) server = await startServer()
})
after(() => server?.[Symbol.asyncDispose]())

const called = new Set<string>()

type Outcome = Record<string, unknown> | string
/** @param expected  A refusal, or fields that the answer has. */
type Row = readonly [name: string, parameters: Parameters, expected: Outcome]
const done = {}
const [unknown, forbidden, invalid] = ['400 USG.201040000', '403 USG.000000008', '400 USG.000000003']

test(
  'the SDK for Node makes every call, with answers of its types and exceptions that have the code',
  sdkPeer,
  async () => {
    const chief = programOf(server, server.admin, called)
    const member = programOf(server, server.member, called)
    const [phone, nextPhone, invited, contact] = [newNumber(), newNumber(), newNumber(), newNumber()]
    const alice = { account: 'alice@sdk', password: 'Good-pass-12' }
    const atFirst = programOf(server, alice, called)
    const chosen = { ...alice, password: 'Chosen-pass-34' }
    const ordinary = programOf(server, chosen)
    const body = { name: 'Alice', phone, email: 'alice@example.com', country: 'chinaPR', deptCode: '1' }
    const more = {
      englishName: 'A',
      signature: 's',
      title: 't',
      desc: 'd',
      status: 0,
      sortLevel: 7,
      hidePhone: false,
    }
    const one = { values: [alice.account] }
    const absent = { values: ['absent'] }

    async function run(by: Program, rows: readonly Row[]): Promise<void> {
      for (const [name, parameters, expected] of rows) {
        const answer = await by(name, parameters)
        const at = `${name} ${JSON.stringify(parameters)}: ${JSON.stringify(answer)}`
        if (typeof expected === 'string') assert.equal(answer.refusal, expected, at)
        else
          assert.partialDeepStrictEqual(
            { refusal: undefined, ...answer },
            { refusal: undefined, ...expected },
            at,
          )
      }
    }

    const member1 = 'POST /v1/usg/dcs/corp/member'
    const status = 'PUT /v1/usg/dcs/corp/member/status/{value}'
    const show = 'GET /v1/usg/dcs/corp/member/{account}'
    const admins = 'POST /v1/usg/dcs/corp/admin'
    const unbind = 'POST /v1/usg/dcs/corp/admin/delete'
    const dept = 'POST /v1/usg/dcs/corp/dept'
    const drop = 'DELETE /v1/usg/dcs/corp/dept/{dept_code}'
    const remove = 'POST /v1/usg/dcs/corp/member/delete'
    const change = 'PUT /v1/usg/acs/password'
    const resetByAdmin = 'PUT /v1/usg/acs/password/admin/reset'
    const changeApp = 'PUT /v2/usg/acs/corp/app/{app_id}'
    const resetApp = 'PUT /v2/usg/acs/corp/app/{app_id}/reset'
    const send = 'POST /v1/usg/dcs/member/verification-code'
    const verify = 'POST /v1/usg/dcs/member/verification-code/verify'

    await run(chief, [
      [
        member1,
        {
          body: {
            ...body,
            ...more,
            account: alice.account,
            thirdAccount: 't-alice',
            pwd: alice.password,
            sendNotify: '0',
            function: { enableRoom: false },
          },
        },
        { userAccount: alice.account, thirdAccount: 't-alice', sortLevel: 7 },
      ],
      [member1, { body: { name: 'Twin', phone } }, '400 USG.206010065'],
      [member1, { body: { name: 'Twin', email: 'alice@example.com' } }, '400 USG.206010066'],
      [member1, { body: { name: 'Nobody' } }, invalid],
      [show, one, { phone, email: 'alice@example.com' }],
      [show, { values: ['t-alice'], query: { accountType: 1 } }, { userAccount: alice.account }],
      [show, absent, unknown],
      [
        'PUT /v1/usg/dcs/corp/member/{account}',
        { ...one, query: { accountType: 0 }, body: { ...body, ...more, phone: nextPhone } },
        { phone: nextPhone },
      ],
      ['PUT /v1/usg/dcs/corp/member/{account}', { ...absent, body }, unknown],
      [
        'GET /v1/usg/dcs/corp/member',
        {
          query: {
            offset: 0,
            limit: 10,
            searchKey: 'alic',
            sortField: 'name',
            isAsc: true,
            deptCode: '1',
            enableSubDept: true,
            adminType: 2,
            enableRoom: false,
            userType: [2, 12],
            status: 0,
            containsUnActive: true,
          },
        },
        { count: 1, data: [{ userAccount: alice.account }] },
      ],
      [
        'GET /v1/usg/dcs/corp/member',
        { query: { searchKey: 'alic', userType: [12, 13] } },
        { count: 0, data: [] },
      ],
      [
        'GET /v1/usg/dcs/corp/member',
        { query: { searchKey: 'alic', enableRoom: true } },
        { count: 0, data: [] },
      ],
      ['GET /v1/usg/dcs/corp/member', { query: { limit: 501 } }, invalid],
      [
        'POST /v1/usg/dcs/corp/member/add',
        {
          body: {
            name: 'Invited',
            contact: invited,
            country: 'chinaPR',
            deptCode: '1',
            title: 't',
            sortLevel: 5,
            desc: 'd',
          },
        },
        { userExist: false },
      ],
      [
        'POST /v1/usg/dcs/corp/member/add',
        { body: { name: 'Invited', contact: invited } },
        { userExist: true },
      ],
      [status, { values: ['1'], body: ['t-alice'], query: { accountType: 1 } }, done],
      [status, { values: ['0'], body: [alice.account, 'absent'] }, unknown],
      [show, one, { status: 1 }],
      [status, { values: ['0'], body: [alice.account] }, done],
      [admins, { body: { account: 'absent' }, query: { accountType: 1 } }, unknown],
      ['GET /v1/usg/dcs/corp/admin/{account}', one, unknown],
      [admins, { body: { account: alice.account } }, done],
      ['GET /v1/usg/dcs/corp/admin/{account}', one, { account: alice.account, adminType: 1 }],
      [
        'GET /v1/usg/dcs/corp/admin',
        { query: { offset: 0, limit: 10, searchKey: 'alic' } },
        { count: 1, data: [{ account: alice.account }] },
      ],
      ['GET /v1/usg/dcs/corp', {}, { account: server.admin.account }],
      ['PUT /v1/usg/dcs/corp', { body: { address: '1 Main Street', autoUserCreate: true } }, done],
      [
        dept,
        {
          body: {
            deptCode: 'sales',
            deptName: 'Sales',
            parentDeptCode: '1',
            note: 'n',
            inPermission: 'UNLIMITED',
            outPermission: 'UNLIMITED',
            designatedOutDeptCodes: [],
            sortLevel: 3,
          },
        },
        { value: 'sales' },
      ],
      [
        dept,
        {
          body: {
            deptCode: 'asia',
            deptName: 'Asia',
            parentDeptCode: 'sales',
            designatedOutDeptCodes: ['sales'],
          },
        },
        { value: 'asia' },
      ],
      [
        'PUT /v1/usg/dcs/corp/dept/{dept_code}',
        { values: ['asia'], body: { deptName: 'East', parentDeptCode: 'sales', note: '' } },
        done,
      ],
      ['GET /v1/usg/dcs/member/dept', { query: { deptName: 'eas' } }, { list: [{ deptCode: 'asia' }] }],
      [
        'GET /v1/usg/dcs/member/dept/{dept_code}',
        { values: ['sales'] },
        { childDepts: [{ deptCode: 'asia' }] },
      ],
      ['GET /v1/usg/dcs/member/dept/{dept_code}', absent, invalid],
      [
        'GET /v1/usg/abs/departments/{dept_code}',
        { values: ['sales'] },
        { childDepts: [{ deptName: 'East' }] },
      ],
      [drop, { values: ['sales'] }, invalid],
      [drop, { values: ['asia'] }, done],
    ])
    const { id } = (await chief(show, one)) as { id: string }
    await run(atFirst, [
      [
        change,
        { body: { account: alice.account, oldPwd: 'wrong', newPwd: chosen.password } },
        '400 USG.206010000',
      ],
      [
        change,
        { body: { account: alice.account, oldPwd: alice.password, newPwd: 'short' } },
        '400 USG.201040016',
      ],
      [change, { body: { account: alice.account, oldPwd: alice.password, newPwd: chosen.password } }, done],
    ])
    await run(ordinary, [
      ['GET /v1/usg/dcs/corp/member', {}, done],
      [admins, { body: { account: alice.account } }, forbidden],
      [unbind, { body: [alice.account] }, forbidden],
    ])
    await run(chief, [[unbind, { body: [alice.account] }, done]])

    const forbiddenCalls = [
      member1,
      show,
      'GET /v1/usg/dcs/corp/member',
      remove,
      status,
      admins,
      unbind,
      dept,
      drop,
      'GET /v2/usg/acs/corp/apps',
      changeApp,
      resetApp,
      resetByAdmin,
    ]
    const some: Readonly<Record<string, unknown>> = {
      [member1]: { name: 'x' },
      [admins]: { account: 'x' },
      [dept]: { deptName: 'x' },
      [changeApp]: { status: 1 },
      [resetByAdmin]: { account: 'x' },
    }
    await run(
      member,
      forbiddenCalls.map((name) => [
        name,
        { values: ['1'], ...(!/^(GET|DELETE)|\/reset$/.test(name) && { body: some[name] ?? ['x'] }) },
        forbidden,
      ]),
    )
    await run(member, [
      [
        'POST /v1/usg/abs/users/list',
        { body: [{ id }, { id: 'none' }], query: { idType: 'USER_ID' } },
        { list: [{ statusCode: 0 }, { statusCode: 2 }] },
      ],
      [
        'POST /v1/usg/abs/users/list',
        { body: [{ id: 't-alice' }], query: { idType: 'THIRD_ACCOUNT' } },
        { list: [{ account: alice.account }] },
      ],
      [
        'GET /v1/usg/abs/users',
        {
          query: {
            offset: 0,
            limit: 5,
            searchKey: 'alic',
            deptCode: '1',
            querySubDept: true,
            searchScope: 'ALL',
          },
        },
        { count: 1, data: [{ account: alice.account }] },
      ],
      [
        'PUT /v1/usg/dcs/member',
        { body: { name: 'M', englishName: 'm', signature: '', title: '', desc: '' } },
        done,
      ],
      ['GET /v1/usg/dcs/member', {}, { name: 'M' }],
      [send, { body: { contact, country: 'chinaPR' } }, done],
      [send, { body: { contact } }, '400 USG.206030004'],
      [verify, { body: { contact, verificationCode: 'wrong' } }, '400 USG.206030001'],
    ])
    const verificationCode = await server.codeFor(contact)
    await run(member, [
      [verify, { body: { contact, verificationCode } }, done],
      ['PUT /v1/usg/dcs/member/contact', { body: { contact, verificationCode: '' } }, '400 USG.206010011'],
      ['PUT /v1/usg/dcs/member/contact', { body: { contact, verificationCode } }, done],
      [
        'POST /v1/usg/acs/token/validate',
        { body: { token: 'x', needGenNewToken: false, needAccountInfo: true } },
        '401 USG.000000004',
      ],
    ])
    const { accessToken } = (await member('PUT /v1/usg/acs/token')) as { accessToken: string }
    await run(member, [
      [
        'POST /v1/usg/acs/token/validate',
        { body: { token: accessToken, needGenNewToken: true, needAccountInfo: true } },
        done,
      ],
      ['DELETE /v1/usg/acs/token', {}, done],
      ['GET /v1/usg/dcs/member', {}, '401 USG.206020000'],
    ])

    const newApp = { app_name: 'Made by the SDK', description: 'd' }
    const { app_id } = (await chief('POST /v2/usg/acs/corp/app', { body: newApp })) as { app_id: string }
    const app = { values: [app_id] }
    const dropApp = 'DELETE /v2/usg/acs/corp/app/{app_id}'
    await run(chief, [
      ['GET /v2/usg/acs/corp/apps', { query: { offset: 0, limit: 10 } }, { count: 2 }],
      [changeApp, { ...app, body: { app_name: 'Renamed', description: '', status: 1 } }, { status: 1 }],
      [changeApp, { ...absent, body: { status: 1 } }, invalid],
      [resetApp, app, { app_id, app_name: 'Renamed' }],
      [dropApp, app, done],
      [dropApp, app, invalid],
    ])

    const user = nextPhone
    const asked = { user, clientType: 0, checkType: 1 }
    const puzzle = await chief('POST /v1/usg/acs/auth/slideverifycode/send', { body: asked })
    const { shadowImage, cutImage, pointY, token } = puzzle as { [name: string]: string } & { pointY: never }
    const pointX = holeIn(shadowImage!, cutImage!, Number(pointY))
    const solve = 'PUT /v1/usg/acs/auth/slideverifycode/check'
    const sendReset = 'POST /v1/usg/acs/verifycode/send'
    const checkReset = 'PUT /v1/usg/acs/verifycode/check'
    const solution = { ...asked, token, pointX, slideTime: 1200 }
    await run(chief, [
      [solve, { body: { ...solution, pointX: pointX > 100 ? 0 : 250 } }, '400 USG.206010012'],
      [sendReset, { body: { user, token: 'x'.repeat(33) } }, '400 USG.206060010'],
    ])
    const solved = await chief(solve, { body: solution })
    await run(chief, [
      [
        sendReset,
        { body: { user, token: solved.token, sendMethod: 'sms' } },
        { expire: 180, bindEmail: null },
      ],
      [checkReset, { body: { user, code: 'wrong' } }, '400 USG.206030001'],
    ])
    const checked = await chief(checkReset, { body: { user, code: await server.codeFor(user) } })
    await run(programOf(server, checked as { token: string }, called), [
      ['PUT /v1/usg/acs/password/reset', { body: { user, newPwd: 'Newest-pass-56', passWordType: 0 } }, done],
    ])
    await run(ordinary, [['GET /v1/usg/dcs/member', {}, '401 USG.206020000']])
    await run(programOf(server, { ...alice, password: 'Newest-pass-56' }), [
      ['GET /v1/usg/dcs/member', {}, { userAccount: alice.account }],
    ])
    await run(chief, [
      [resetByAdmin, { body: { account: alice.account } }, done],
      [resetByAdmin, { body: { account: 'absent' } }, unknown],
    ])

    await run(chief, [
      [remove, { body: [alice.account, 'absent'] }, unknown],
      [remove, { body: ['t-alice'], query: { accountType: 1 } }, done],
      [show, one, unknown],
      [drop, { values: ['sales'] }, done],
    ])
    const missing = Object.keys(answerFields).filter((name) => !called.has(name) && !elsewhere.test(name))
    assert.deepEqual(missing, [], 'every call was answered')
  },
)

test('a wrong password is the exception of a login, whose status the program sees', sdkPeer, async () => {
  const wrong = programOf(server, { ...server.member, password: 'wrong-password' })
  assert.deepEqual(await wrong('GET /v1/usg/dcs/member'), { refusal: '401 USG.206010000' })
})
