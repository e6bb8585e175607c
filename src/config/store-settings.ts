/** Settings of the store: a file of this machine, or a PostgreSQL server. */

import { join, resolve } from 'node:path'
import { type Static, Type } from '../json-schema.ts'
import { isLoopback } from '../network/loopback.ts'
import type { StoreChoice } from '../store/engines.ts'
import { fileProblems } from './files.ts'
import { type HotFile, hotOf } from './hot-settings.ts'
import { optional, strict } from './policy-schema.ts'
import { decodedPart, parseEndpoint, readSecret, text } from './providers/parts.ts'

export const postgresSchema = Type.Object(
  {
    password: text('Password of the user. Better in a file, or in the environment.'),
    passwordFile: text('File that holds the password.'),
    tls: optional(
      Type.Union([Type.Literal('verify'), Type.Literal('off')], {
        description:
          'verify: TLS, and the certificate must be of the host. off by default for a server on this machine, else verify.',
      }),
    ),
    caFile: text('PEM file of certificate authorities to trust instead of the system’s.'),
    connections: optional(
      Type.Integer({
        minimum: 4,
        maximum: 100,
        description: 'The most connections that each process holds.',
        default: 10,
      }),
    ),
    direct: text(
      'HOST:PORT of the server itself, if the store goes through a pooler: migrate --from … --to … goes there.',
    ),
  },
  strict,
)

type StoreFile = HotFile & { readonly store?: string; readonly postgres?: Static<typeof postgresSchema> }

const form = 'sqlite:FILE or postgres://USER@HOST:PORT/DATABASE'
const defaultPort = 5432

export function storeOf(set: StoreFile, dataFolder: string, problems: string[]): StoreChoice {
  const stated = set.store ?? `sqlite:${join(dataFolder, 'countersign.db')}`
  const file = fileStoreOf(stated)
  if (file) {
    if (set.hot !== undefined)
      problems.push(
        'hot: needs a store that several processes share beside it; state store: postgres://USER@HOST/DATABASE',
      )
    if (set.postgres !== undefined)
      problems.push(`postgres: is of no use with this store; state store: postgres://USER@HOST/DATABASE`)
    return file
  }
  const nowhere = { engine: 'sqlite', path: '' } as const
  if (!/^postgres(ql)?:\/\//.test(stated) || !URL.canParse(stated)) {
    problems.push(`store: must be ${form}`)
    return nowhere
  }
  const url = new URL(stated)
  const [host, user, database] = [
    url.hostname.replace(/^\[|\]$/g, ''),
    url.username,
    url.pathname.slice(1),
  ].map(decodedPart)
  if (url.password !== '')
    problems.push(
      'store: must not hold a password, which would be shown and logged; state postgres.passwordFile, or COUNTERSIGN_POSTGRES_PASSWORD',
    )
  if (url.search !== '' || url.hash !== '')
    problems.push('store: takes nothing behind the database; what PostgreSQL needs is stated under postgres')
  if (!host || !user || !database || database.includes('/')) {
    problems.push(`store: must be ${form}`)
    return nowhere
  }
  const isLocal = isLoopback(host) || host.startsWith('/')
  const own = set.postgres ?? {}
  const place = { host, port: Number(url.port || defaultPort) }
  problems.push(...fileProblems('postgres.caFile', own.caFile))
  return {
    engine: 'postgres',
    ...place,
    user,
    database,
    password: readSecret(own, 'password', 'postgres', problems),
    tls: (own.tls as 'verify' | 'off' | undefined) ?? (isLocal ? 'off' : 'verify'),
    caFile: own.caFile ? resolve(own.caFile) : null,
    connections: own.connections ?? 10,
    direct: directOf(own.direct, place, problems),
    hot: hotOf(set, problems),
  }
}

/**
 * The store that a command names itself, instead of the settings.
 * @returns null for a store on a server, because only settings have its password and TLS.
 */
export function fileStoreOf(stated: string): StoreChoice | null {
  const file = /^sqlite:(.+)$/.exec(stated)?.[1]
  return file === undefined ? null : { engine: 'sqlite', path: resolve(file) }
}

function directOf(
  stated: string | undefined,
  place: { host: string; port: number },
  problems: string[],
): { host: string; port: number } {
  const endpoint = stated === undefined ? place : parseEndpoint(stated)
  if (endpoint) return endpoint
  problems.push('postgres.direct: must be HOST:PORT of the server itself')
  return place
}
