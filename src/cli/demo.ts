/** The demo tenant of a development server: an app, an administrator and a member to try things with. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyRing } from '../code/key-ring.ts'
import { writeSecretFile } from '../config/data-folder.ts'
import { hashPassword } from '../directory/password.ts'
import type { Store } from '../store/store.ts'
import { newApp, newAppId, newAppKey, newMember, newPassword } from './create.ts'

export type Demo = {
  readonly tenant: string
  readonly app: { readonly id: string; readonly key: string }
  readonly admin: { readonly account: string; readonly password: string }
  readonly member: { readonly account: string; readonly password: string }
}

/** Makes the demo on an empty store; on later starts reads what it made from `demo.json`. */
export async function ensureDemo(
  folder: string,
  store: Store,
  ring: KeyRing,
  now: number,
): Promise<Demo | null> {
  const path = join(folder, 'demo.json')
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Demo
  const { directory } = store
  if ((await directory.tenants()).length > 0) return null // a store with content of its own
  const demo: Demo = {
    tenant: 'demo',
    app: { id: newAppId(), key: newAppKey() },
    admin: { account: 'admin@demo', password: newPassword() },
    member: { account: 'member@demo', password: newPassword() },
  }
  const hashes = await Promise.all([hashPassword(demo.admin.password), hashPassword(demo.member.password)])
  await directory.addTenant({ id: demo.tenant, name: 'Demo', accountApp: demo.app.id })
  const { id, key } = demo.app
  await directory.addApp(newApp(ring, { id, key, tenant: demo.tenant, name: 'Demo app', createdAt: now }))
  const common = { tenant: demo.tenant, createdAt: now }
  await directory.putMembers([
    newMember({
      ...common,
      ...demo.admin,
      name: 'Demo administrator',
      role: 'default',
      passwordHash: hashes[0]!,
    }),
    newMember({ ...common, ...demo.member, name: 'Demo member', passwordHash: hashes[1]! }),
  ])
  writeSecretFile(path, `${JSON.stringify(demo, null, 2)}\n`)
  return demo
}

/** What a newcomer reads after the first start: where, who, and three lines to paste. */
export function greeting(
  {
    https,
    http,
    inbox,
  }: { readonly https: string | null; readonly http: string | null; readonly inbox: string | null },
  demo: Demo | null,
): string {
  const lines = ['', 'Countersign is running (development).', '']
  const row = (name: string, value: string | null) => value && lines.push(`  ${name.padEnd(10)} ${value}`)
  row('HTTPS', https)
  row('HTTP', http)
  row('Inbox', inbox)
  if (!demo || !http) return [...lines, ''].join('\n')
  const path = '/v1/usg/dcs/member/verification-code'
  const contact = '+8613800138000'
  row('App id', demo.app.id)
  row('App key', demo.app.key)
  row('Admin', `${demo.admin.account}  ${demo.admin.password}`)
  row('Member', `${demo.member.account}  ${demo.member.password}`)
  const json = `-H 'Content-Type: application/json' -H 'Accept-Language: en-US'`
  const login = JSON.stringify({ account: demo.member.account, clientType: 72, createTokenType: 0 })
  lines.push(
    '',
    'Try it: log in, send a code, verify it. Paste these in another terminal:',
    '',
    `TOKEN=$(curl -s -u '${demo.member.account}:${demo.member.password}' ${http}/v1/usg/acs/auth/account ${json} -d '${login}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')`,
    '',
    `curl -i ${http}${path} -H "X-Access-Token: $TOKEN" ${json} -d '{"contact":"${contact}"}'`,
    '',
    `CODE=$(curl -s '${http}/inbox/messages?to=%2B8613800138000' | sed 's/[^]]*"code":"\\([0-9]*\\)".*/\\1/'); curl -i ${http}${path}/verify -H "X-Access-Token: $TOKEN" ${json} -d '{"contact":"${contact}","verificationCode":"'$CODE'"}'`,
    '',
    `The code is also on the inbox page: ${inbox}`,
    'Stop with Ctrl-C.',
    '',
  )
  return lines.join('\n')
}
