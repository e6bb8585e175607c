/** The demo tenant of a development server: an app, an administrator and a member to try the server with. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyRing } from '../code/key-ring.ts'
import { apiKeyHash, type NewApiKey, newApiKey, newSecret } from '../directory/api-key.ts'
import { hashPassword } from '../directory/password.ts'
import { newApp, newAppId, newAppKey } from '../flows/new-app.ts'
import { replaceSecretFile } from '../secret-file.ts'
import type { Store } from '../store/store.ts'
import { newMember, newPassword } from './new-records.ts'

export type Demo = {
  readonly tenant: string
  readonly app: { readonly id: string; readonly key: string }
  /** A key of the app for the native API. */
  readonly apiKey: string
  readonly admin: { readonly account: string; readonly password: string }
  readonly member: { readonly account: string; readonly password: string }
}

export type DemoDraft = {
  readonly demo: Demo
  /** Hashes of the administrator's and the member's password, computed while the server starts. */
  readonly hashes: Promise<readonly string[]> | undefined
}

/** The demo that an earlier start made in the data folder, or a new one. */
export function draftDemo(folder: string): DemoDraft {
  const path = join(folder, 'demo.json')
  const apiKey = newSecret({ kind: 'server', isTest: false })
  // That of an earlier version has no key for the native API.
  if (existsSync(path)) {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Omit<Demo, 'apiKey'> & Partial<Demo>
    return { demo: { ...kept, apiKey: kept.apiKey ?? apiKey }, hashes: undefined }
  }
  const demo: Demo = {
    tenant: 'demo',
    app: { id: newAppId(), key: newAppKey() },
    apiKey,
    admin: { account: 'admin@demo', password: newPassword() },
    member: { account: 'member@demo', password: newPassword() },
  }
  return { demo, hashes: hashesOf(demo) }
}

function hashesOf({ admin, member }: Demo): Promise<readonly string[]> {
  return Promise.all([hashPassword(admin.password), hashPassword(member.password)])
}

/**
 * Puts the demo into the store unless it is there.
 * @returns Whether it is there now. A store that has other tenants gets no demo.
 */
export async function ensureDemo(
  folder: string,
  { demo, hashes }: DemoDraft,
  { store, ring, now }: { readonly store: Store; readonly ring: KeyRing; readonly now: number },
): Promise<boolean> {
  const { directory } = store
  const { id, key } = demo.app
  if (await directory.app(id)) {
    await ensureKey()
    return true
  }
  if ((await directory.tenants()).length > 0) return false
  keep()
  const { tenant, admin, member } = demo
  const [ofAdmin, ofMember] = await (hashes ?? hashesOf(demo))
  const common = { tenant, createdAt: now }
  // Awaited before the tenant's app and members, because calls of one turn may be done in any order.
  await directory.addTenant({ id: tenant, name: 'Demo', accountApp: id })
  await Promise.all([
    directory.addApp(newApp(ring, { id, key, tenant, name: 'Demo app', createdAt: now })),
    directory.putMembers([
      newMember({
        ...common,
        ...admin,
        name: 'Demo administrator',
        role: 'default',
        passwordHash: ofAdmin ?? null,
      }),
      newMember({ ...common, ...member, name: 'Demo member', passwordHash: ofMember ?? null }),
    ]),
  ])
  await ensureKey()
  return true

  /** The file is written before the records: if this start is cut off, the next one uses it and adds the rest. */
  function keep(): void {
    replaceSecretFile(join(folder, 'demo.json'), () => `${JSON.stringify(demo, null, 2)}\n`)
  }

  async function ensureKey(): Promise<void> {
    if (await store.keys.holder(apiKeyHash(demo.apiKey))) return
    keep()
    const made: NewApiKey = {
      tenant: demo.tenant,
      app: id,
      name: 'Demo key',
      kind: 'server',
      isTest: false,
      scopes: ['verifications:write', 'verifications:read'],
      origins: [],
      networks: [],
      createdAt: now,
      expiresAt: null,
    }
    await store.keys.add(newApiKey(made, demo.apiKey).key)
  }
}

/** The text after the first start: addresses, accounts, and commands to paste. */
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
  const bearer = `-H "Authorization: Bearer ${demo.apiKey}"`
  /** A command that puts the newest code into CODE. */
  const readCode =
    inbox &&
    `CODE=$(curl -s '${http}/inbox/messages?to=%2B8613800138000' -H "Authorization: Bearer ${keyOf(inbox)}" | grep -o '"code":"[0-9]*"' | head -1 | tr -dc 0-9)`
  row('API key', demo.apiKey)
  row('App id', demo.app.id)
  row('App key', demo.app.key)
  row('Admin', `${demo.admin.account}  ${demo.admin.password}`)
  row('Member', `${demo.member.account}  ${demo.member.password}`)
  const json = `-H 'Content-Type: application/json' -H 'Accept-Language: en-US'`
  const login = JSON.stringify({ account: demo.member.account, clientType: 72, createTokenType: 0 })
  lines.push(
    '',
    'Try it: send a code to anyone, check it. Paste these in another terminal:',
    '',
    `ID=$(curl -s ${http}/v1/verifications ${bearer} -d '{"to":"${contact}"}' | tee /dev/stderr | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')`,
    '',
    ...(readCode === null
      ? ['Behind a proxy there is no inbox page.']
      : [
          `${readCode}; curl -i ${http}/v1/verifications/$ID/check ${bearer} -d '{"code":"'$CODE'"}'`,
          '',
          `The code is also on the inbox page: ${inbox}`,
        ]),
    '',
    'The same by the wire of Huawei Cloud Meeting: log in, send a code, verify it.',
    '',
    `TOKEN=$(curl -s -u '${demo.member.account}:${demo.member.password}' ${http}/v1/usg/acs/auth/account ${json} -d '${login}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')`,
    '',
    `curl -i ${http}${path} -H "X-Access-Token: $TOKEN" ${json} -d '{"contact":"${contact}"}'`,
    '',
    ...(readCode === null
      ? []
      : [
          `${readCode}; curl -i ${http}${path}/verify -H "X-Access-Token: $TOKEN" ${json} -d '{"contact":"${contact}","verificationCode":"'$CODE'"}'`,
          '',
        ]),
    'Stop with Ctrl-C.',
    '',
  )
  return lines.join('\n')
}

/** The key at the end of the inbox's URL. */
function keyOf(inbox: string): string {
  return inbox.slice(inbox.indexOf('?key=') + '?key='.length)
}
