/** Settings of a mail server. */

import { join, resolve } from 'node:path'
import { parseEmailAddress } from '../../address/email-address.ts'
import { type Static, Type } from '../../json-schema.ts'
import { isLoopback } from '../../network/loopback.ts'
import { fileProblems } from '../files.ts'
import { optional, strict } from '../policy-schema.ts'
import type { ProviderKind } from './kind.ts'
import { type Endpoint, parseEndpoint, readSecret, text } from './parts.ts'

export type SmtpSettings = {
  readonly type: 'smtp'
  readonly host: string
  readonly port: number
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user: string | null
  readonly password: string | null
  readonly from: { readonly name: string; readonly address: string }
  readonly connections: number
  readonly dkim: {
    readonly domain: string
    readonly selector: string
    readonly privateKeyFile: string
  } | null
  readonly caFile: string | null
  /** Settings of the mails that come back as undeliverable; null: they go to `from`. */
  readonly bounces: {
    readonly listen: Endpoint
    readonly domain: string
    /** Made if it is not there. */
    readonly secretFile: string
  } | null
}

const schema = Type.Object(
  {
    type: Type.Literal('smtp', { description: 'A mail server.' }),
    host: Type.String({ minLength: 1, description: 'Its name.' }),
    port: optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'Its port.', default: 587 })),
    security: optional(
      Type.Union([Type.Literal('tls'), Type.Literal('starttls'), Type.Literal('none')], {
        description:
          'tls from the start; starttls, mandatory; or none, allowed only for a server on this machine.',
        default: 'starttls',
      }),
    ),
    user: text('Name to log in with.'),
    password: text('Password. Better in a file.'),
    passwordFile: text('File that holds the password.'),
    from: Type.Object(
      {
        name: text('Name shown as sender.', 'Countersign'),
        address: Type.String({
          minLength: 3,
          description: 'Address of the sender, also in the envelope unless bounces is stated.',
        }),
      },
      strict,
    ),
    connections: optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        description: 'Connections held at most, by all workers together.',
        default: 5,
      }),
    ),
    dkim: optional(
      Type.Object(
        {
          domain: Type.String({ minLength: 1, description: 'Signing domain.' }),
          selector: Type.String({ minLength: 1, description: 'Selector of its DNS record.' }),
          privateKeyFile: Type.String({ minLength: 1, description: 'PEM file of the private key.' }),
        },
        strict,
      ),
    ),
    caFile: text('PEM file of certificate authorities to trust beside the system’s.'),
    bounces: optional(
      Type.Object(
        {
          listen: text(
            'HOST:PORT where your mail server brings bounces by SMTP (docs/carriers/smtp.md).',
            '127.0.0.1:2525',
          ),
          domain: Type.String({
            minLength: 1,
            description: 'Domain of the envelope senders that bounces come back to.',
          }),
          secretFile: text(
            'File of the secret that makes those addresses; made if it is not there. Processes beside each other need the same.',
            '<data>/bounces.key',
          ),
        },
        strict,
      ),
    ),
  },
  strict,
)

export const smtpKind: ProviderKind<SmtpSettings> = {
  schema,
  shared: ['connections'],
  channels: () => ['email'],
  givesReceipts: ({ bounces }) => bounces !== null,
  read(file: Static<typeof schema>, where, problems, { dataFolder }) {
    const security = (file.security ?? 'starttls') as SmtpSettings['security']
    if (security === 'none' && !isLoopback(file.host))
      problems.push(
        `${where}.security: none is only for a mail server on this machine; codes would cross the network in clear`,
      )
    if (parseEmailAddress(file.from.address).kind === 'refused')
      problems.push(`${where}.from.address: is no valid e-mail address`)
    for (const [name, path] of [
      ['dkim.privateKeyFile', file.dkim?.privateKeyFile],
      ['caFile', file.caFile],
    ] as const)
      problems.push(...fileProblems(`${where}.${name}`, path))
    const password = readSecret(file, 'password', where, problems)
    if ((file.user === undefined) !== ((file.password ?? file.passwordFile) === undefined))
      problems.push(`${where}: user and password (or passwordFile) go together`)
    return {
      type: 'smtp',
      host: file.host,
      port: file.port ?? (security === 'tls' ? 465 : 587),
      security,
      user: file.user ?? null,
      password,
      from: { name: file.from.name ?? 'Countersign', address: file.from.address },
      connections: file.connections ?? 5,
      dkim: file.dkim ? { ...file.dkim, privateKeyFile: resolve(file.dkim.privateKeyFile) } : null,
      caFile: file.caFile ? resolve(file.caFile) : null,
      bounces: bouncesOf(file.bounces, where, dataFolder, problems),
    }
  },
}

function bouncesOf(
  file: Static<typeof schema>['bounces'],
  where: string,
  dataFolder: string,
  problems: string[],
): SmtpSettings['bounces'] {
  if (!file) return null
  const listen = parseEndpoint(file.listen ?? '127.0.0.1:2525')
  if (!listen) problems.push(`${where}.bounces.listen: must be HOST:PORT, such as 127.0.0.1:2525`)
  // Checked as the domain of a mailbox, because the envelope sender is one.
  if (parseEmailAddress(`b@${file.domain}`).kind === 'refused')
    problems.push(`${where}.bounces.domain: ${file.domain} is no domain that mail could come to`)
  return {
    listen: listen ?? { host: '127.0.0.1', port: 0 },
    domain: file.domain.toLowerCase(),
    secretFile: resolve(file.secretFile ?? join(dataFolder, 'bounces.key')),
  }
}
