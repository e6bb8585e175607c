/** The settings file as a schema: one source for checking it, for environment names and for docs/config.md. */

import { proofAlgorithms } from '../code/proof-keys.ts'
import { type Static, Type } from '../json-schema.ts'
import { defaultAddressCap } from '../throttle/policy.ts'
import { formatWindow } from './duration.ts'
import { redisSchema } from './hot-settings.ts'
import { passwordsSchema } from './password-settings.ts'
import { durationPattern, optional, policySchema, strict, windowPattern } from './policy-schema.ts'
import { text } from './providers/parts.ts'
import { routesSchema } from './routes.ts'
import { postgresSchema } from './store-settings.ts'
import { undoSchema } from './undo-settings.ts'

export const settingsSchema = Type.Object(
  {
    data: text('Folder of everything the server keeps.', './data'),
    https: text('Where to listen for HTTPS, HOST:PORT, or off.', '127.0.0.1:8443'),
    http: text(
      'Where to listen for plain HTTP, HOST:PORT, or off; also serves /livez, /readyz and /metrics. Loopback only unless behindProxy.',
      '127.0.0.1:8080',
    ),
    publicUrl: text(
      'The URL of this server as the outside knows it, https://HOST: carriers report there what became of messages, and proof tokens name it as their issuer. Without it, none are made. In development: the address of the listener.',
    ),
    proofAlgorithm: optional(
      Type.Union(
        proofAlgorithms.map((one) => Type.Literal(one)),
        {
          description:
            'What proof tokens are signed by: EdDSA (Ed25519), or ES256 for verifiers that know no Ed25519. A change ends the tokens that are still valid.',
          default: 'EdDSA',
        },
      ),
    ),
    tls: optional(
      Type.Object(
        {
          certificate: Type.String({
            minLength: 1,
            description: 'PEM file of the certificate chain. Made at first start in development.',
          }),
          key: Type.String({ minLength: 1, description: 'PEM file of its private key.' }),
        },
        strict,
      ),
    ),
    behindProxy: optional(
      Type.Boolean({
        description:
          'A proxy in front ends TLS: plain HTTP may be served beyond loopback. A development server then has no inbox page.',
        default: false,
      }),
    ),
    trustedProxies: optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Addresses or CIDR blocks of proxies whose X-Forwarded-For is believed.',
        default: [],
      }),
    ),
    admin: optional(
      Type.Object(
        {
          listen: text(
            'Where the operator’s calls are answered: HOST:PORT for a listener of their own, http for the plain listener and this machine alone, or off. Beyond loopback it needs the certificate.',
            'http',
          ),
          tokenFile: text('File of the administrator token. Made at the first start.', '<data>/admin.token'),
        },
        strict,
      ),
    ),
    metrics: optional(
      Type.Object(
        {
          listen: text(
            'Where /metrics is served: HOST:PORT for a listener of its own, http for the plain listener and this machine alone, or off. Beyond loopback it needs tokenFile and the certificate.',
            'http',
          ),
          tokenFile: text(
            'File of the token that who reads /metrics must send, as Authorization: Bearer. Made at the first start if it is not there.',
          ),
        },
        strict,
      ),
    ),
    keyRing: text('File of the key ring.', '<data>/master.key'),
    store: text(
      'Where records are kept: sqlite:FILE, or postgres://USER@HOST:PORT/DATABASE for any number of processes.',
      'sqlite:<data>/countersign.db',
    ),
    hot: text(
      'Redis or Valkey for codes on their way and limits, beside a store of postgres:// (docs/redis.md): redis://USER@HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/NAME or redis+cluster://HOST:PORT,HOST:PORT.',
    ),
    postgres: optional(postgresSchema),
    redis: optional(redisSchema),
    workers: optional(
      Type.Integer({
        minimum: 1,
        maximum: 64,
        description:
          'Processes that serve on the same listeners (docs/scaling.md). More than one needs a store of postgres://.',
        default: 1,
      }),
    ),
    drain: optional(
      Type.String({
        pattern: durationPattern,
        description:
          'How long a stopping server still serves after /readyz turned to 503: longer than balancers take to see it. With --dev 100ms.',
        default: '1500ms',
      }),
    ),
    limits: optional(
      Type.Union([Type.Literal('on'), Type.Literal('none')], {
        description: 'none lifts all throttles, for load tests. Development only.',
        default: 'on',
      }),
    ),
    addressCap: optional(
      Type.String({
        pattern: windowPattern,
        description:
          'Codes to one address over all tenants, as COUNT/TIME. Half of them are kept for whoever holds the address (docs/limits.md).',
        default: formatWindow(defaultAddressCap),
      }),
    ),
    retention: optional(
      Type.String({
        pattern: durationPattern,
        description: 'How long verifications and history are kept.',
        default: '30d',
      }),
    ),
    log: optional(
      Type.Object(
        {
          level: optional(
            Type.Union(
              ['debug', 'info', 'warn', 'error', 'silent'].map((one) => Type.Literal(one)),
              {
                description: 'Least severity that is logged: debug, info, warn, error or silent.',
                default: 'info',
              },
            ),
          ),
          requests: optional(
            Type.Union(
              ['all', 'failures', 'none'].map((one) => Type.Literal(one)),
              { description: 'Which answers get a line: all, failures or none.', default: 'failures' },
            ),
          ),
        },
        strict,
      ),
    ),
    templates: optional(
      Type.Object(
        {
          folder: text('Folder of templates that replace the shipped ones of the same file name.'),
          signature: text('Signature in front of Chinese SMS, 2 to 16 characters.', '会议服务'),
          product: text('What messages call the service.', 'Countersign'),
          smsParts: optional(
            Type.Integer({
              minimum: 1,
              maximum: 3,
              description:
                'Parts that an SMS may take; each is paid for. A template that needs more is refused.',
              default: 1,
            }),
          ),
        },
        strict,
      ),
    ),
    numbers: optional(
      Type.Object(
        {
          allow: optional(
            Type.Array(Type.String({ minLength: 1 }), {
              description:
                'Prefixes of mobile numbers too new for the built-in metadata, such as +86149; +1436:CA names the region where a calling code has several. Of the length of a mobile number there.',
              default: [],
            }),
          ),
          refuse: optional(
            Type.Array(Type.String({ pattern: '^\\+[1-9][0-9]{0,14}$' }), {
              description: 'Prefixes of numbers that are refused, such as +86170. The longest prefix wins.',
              default: [],
            }),
          ),
        },
        strict,
      ),
    ),
    mailboxes: optional(
      Type.Object(
        {
          dots: optional(
            Type.Array(Type.String({ minLength: 1 }), {
              description:
                'Domains whose mailboxes may have double or final dots before the @, such as docomo.ne.jp and ezweb.ne.jp.',
              default: [],
            }),
          ),
        },
        strict,
      ),
    ),
    routes: optional(routesSchema),
    providers: optional(
      Type.Record(Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }), Type.Object({ type: Type.String() }), {
        ...strict,
        description: 'Carriers by a name of your choice.',
      }),
    ),
    webhooks: optional(
      Type.Object(
        {
          allowPrivate: optional(
            Type.Array(Type.String({ minLength: 1 }), {
              description:
                'Hosts, addresses and CIDR blocks of private networks that apps may register endpoints in, also without TLS. In development this machine is among them.',
              default: [],
            }),
          ),
        },
        strict,
      ),
    ),
    undo: optional(undoSchema),
    policy: optional(policySchema),
    passwords: optional(passwordsSchema),
    apps: optional(
      Type.Record(Type.String({ minLength: 1 }), policySchema, {
        description: 'Overrides of the policy by app id.',
      }),
    ),
    testAddresses: optional(
      Type.Array(
        Type.Object(
          {
            address: Type.String({
              minLength: 1,
              description: 'Number or e-mail address. Nothing is ever sent to it.',
            }),
            code: Type.String({ pattern: '^[0-9]{6,10}$', description: 'Its fixed code.' }),
            until: Type.String({
              pattern: '^\\d{4}-\\d{2}-\\d{2}$',
              description: 'Last day on which it is a test address, YYYY-MM-DD (UTC).',
            }),
          },
          strict,
        ),
        { description: 'For app reviewers and end-to-end tests.', default: [] },
      ),
    ),
  },
  strict,
)

export type SettingsFile = Static<typeof settingsSchema>

/** A setting whose value is one word, so that the environment can have it: its path, name and schema. */
export type Scalar = { readonly path: readonly string[]; readonly env: string; readonly schema: ScalarSchema }
export type ScalarSchema = {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  /** Whether the value is never shown. */
  readonly secret?: boolean
  readonly anyOf?: readonly { readonly const?: unknown; readonly type?: string }[]
}

/** Sections whose names the operator chooses, so that the schema does not know them. */
const namedSections = ['providers', 'apps', 'testAddresses']

/**
 * Every scalar of a schema and of the sections within it, apart from sections that the operator names.
 * @param at  The path of the schema itself, e.g. `['providers', 'mail']`.
 */
export function scalars(schema: object = settingsSchema, at: readonly string[] = []): Scalar[] {
  const { properties = {} } = schema as { properties?: Record<string, object> }
  return Object.entries(properties).flatMap(([name, child]) => {
    const path = [...at, name]
    if (path.length === 1 && namedSections.includes(name)) return []
    if ('properties' in child) return scalars(child, path)
    if ((child as ScalarSchema).type === 'object') return []
    return [{ path, env: envName(path), schema: child as ScalarSchema }]
  })
}

/** `policy.maxSubmissions` is `COUNTERSIGN_POLICY_MAX_SUBMISSIONS`. A part in capitals, such as NAME in documents, is one word. */
function envName(path: readonly string[]): string {
  const words = path.map((name) =>
    name
      .replaceAll('-', '_')
      .replace(/(?<=[a-z0-9])[A-Z]/g, '_$&')
      .toUpperCase(),
  )
  return `COUNTERSIGN_${words.join('_')}`
}
