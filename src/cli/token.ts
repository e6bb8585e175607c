/** `countersign token`: logs in as an app, as its program would, and prints the access token. */

import { systemClock } from '../clock.ts'
import { open } from '../code/seal.ts'
import { policyOfApp } from '../config/app-policy.ts'
import { AppError } from '../errors.ts'
import { appLogIn, signAppLogin } from '../flows/app-login.ts'
import { createSessions } from '../flows/sessions.ts'
import { randomHex } from '../random.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, withStore } from './with-store.ts'

/** The life of the signature, which is used at once. */
const signatureLifeSeconds = 60

type Options = CommonOptions & { readonly app: string; readonly user?: string }

export async function token(options: Options, terminal: Terminal): Promise<void> {
  await withStore(options, terminal, async ({ store, ring, settings }) => {
    const app = await store.directory.app(options.app)
    const key = app && open(ring, app.sealedKey, `app:${app.id}`)
    if (!app)
      throw new AppError('input.invalid', `there is no app ${options.app}; "countersign app list" shows them`)
    if (key === undefined) throw new AppError('key-ring.unknown-key')
    const login = {
      appId: app.id,
      userId: options.user,
      corpId: undefined,
      expireTime: Math.floor(systemClock.now() / 1000) + signatureLifeSeconds,
      nonce: randomHex(16),
    }
    const outcome = await appLogIn(
      {
        store,
        ring,
        clock: systemClock,
        sessions: createSessions(store, systemClock.now),
        policyOf: (one) => policyOfApp(settings, one),
      },
      { ...login, signature: signAppLogin(key, login), clientType: 72, name: '', deptCode: '' },
    )
    if (outcome.kind !== 'logged-in')
      throw new AppError(
        'input.invalid',
        `the login was refused (${outcome.kind}); is the app or the member disabled, is there an administrator?`,
      )
    terminal.out(
      options.json
        ? JSON.stringify({ accessToken: outcome.accessToken, account: outcome.session.member.account })
        : outcome.accessToken,
    )
  })
}
