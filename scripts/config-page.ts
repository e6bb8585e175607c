/** docs/config.md: every setting, from the schema that the loader checks by. */

import { otherNames } from '../src/config/overlay.ts'
import { providerSchemas } from '../src/config/provider-settings.ts'
import { routeSchema } from '../src/config/routes.ts'
import { type Scalar, scalars } from '../src/config/settings-schema.ts'

const introduction = `<!-- Made by "npm run docs" from the schema in src/config; do not edit. -->

# Settings

The server reads its settings once, at start, from three places: the settings file (\`--config FILE\` or
\`${otherNames.config}\`, YAML), the environment, and the flags of the command. The environment overrides the file, and flags
override both. Unknown keys are refused, and all problems are listed at once. \`countersign doctor\` prints each setting in
force and where it came from.

\`\`\`yaml
https: 0.0.0.0:443
tls: { certificate: /etc/countersign/chain.pem, key: /etc/countersign/key.pem }
data: /var/lib/countersign
policy:
  countries: [CN, HK]
  lifetime: { email: 5m }
providers:
  mail:
    type: smtp
    host: mail.example.com
    user: countersign
    passwordFile: /run/secrets/mail
    from: { name: Example, address: no-reply@example.com }
apps:
  5f0c6f0e9e0b4d8f8b8f6a1f0c2d3e4f: { profile: strict }
\`\`\`

- Times have their unit: \`500ms\`, \`60s\`, \`10m\`, \`24h\`, \`30d\`.
- A limit is COUNT/TIME: \`5/1h\` is at most five in any hour. Of a list of limits all apply.
- Listeners are HOST:PORT, IPv6 in brackets (\`[::1]:8443\`); port 0 is any free port.
- Lists in the environment are separated by commas.
- Paths are relative to the working directory. \`<data>\` stands for the data folder.
- Values beyond the limits of NIST SP 800-63B are refused: a life over 10 minutes, fewer than 6 digits, more than 100
  wrong codes, or more than 100 wrong passwords in a row.

## Without \`--dev\`

\`countersign serve\` demands a settings file, a key ring (\`countersign keys rotate\` makes one), a real carrier,
\`policy.countries\` if SMS are sent, and a certificate or \`behindProxy: true\`. With \`--dev\` it replaces what is missing: by
the sandbox carrier, a self-signed certificate, a new key ring, and all countries.
`

const headings: readonly (readonly [section: string, heading: string])[] = [
  ['', '## Server'],
  ['tls', '## Certificate'],
  ['admin', '## Administration'],
  ['metrics', '## Metrics\n\nSee [operations.md](operations.md#metrics).'],
  ['postgres', '## PostgreSQL\n\nFor a `store` of `postgres://…`; see [postgres.md](postgres.md).'],
  ['redis', '## Redis\n\nFor a `hot` of `redis://…`; see [redis.md](redis.md).'],
  ['undo', '## Undoing a change of a contact\n\nSee [contact-undo.md](contact-undo.md).'],
  ['log', '## Log'],
  ['templates', '## Messages'],
  [
    'numbers',
    "## Numbers\n\nIn YAML write a prefix in quotes, because its plus would be lost otherwise: `allow: ['+86149']`. `countersign doctor` shows which prefixes are in force, and which are needed no longer.",
  ],
  ['mailboxes', '## Mailboxes'],
  ['routes', '## Routes'],
  [
    'policy',
    '## Policy\n\nFor all apps. `apps.ID` overrides any of it for one app, and so does `countersign app create`.',
  ],
  ['webhooks', '## Webhooks\n\nEndpoints of apps; see [webhooks](api/webhooks.md).'],
  ['passwords', '## Passwords\n\nFor the whole installation; see [limits.md](limits.md#passwords).'],
]

export function configPage(): string {
  const all = scalars()
  const known = new Set(headings.map(([section]) => section))
  const sectionOf = ({ path }: Scalar) => (path.length === 1 ? '' : path[0]!)
  const strays = all.filter((one) => !known.has(sectionOf(one)))
  if (strays.length > 0) throw new Error(`no heading for ${strays.map(({ path }) => path.join('.'))}`)
  const sections = headings.map(
    ([section, heading]) =>
      `${heading}\n\n${table(all.filter((one) => sectionOf(one) === section))}${section === 'routes' ? `\n\n${aRoute()}` : ''}`,
  )
  const providers = Object.entries(providerSchemas).map(
    ([type, schema]) =>
      `### \`${type}\`\n\n${(schema.properties.type as { description?: string }).description}\n\n${table(
        scalars(schema, ['providers', 'NAME']).filter(({ path }) => path.at(-1) !== 'type'),
      )}`,
  )
  return `${[introduction, ...sections, '## Carriers\n\nUnder `providers`, by a name of your choice (a-z, 0-9, -).', ...providers, closing].join('\n\n').replaceAll(/\n{3,}/g, '\n\n')}`
}

/** Routes are a list: their settings have no name in the environment. */
function aRoute(): string {
  const rows = scalars(routeSchema, ['route']).map(({ path, schema }) => {
    const shown = schema.default === undefined ? '' : code(schema.default)
    return `| \`${path.slice(1).join('.')}\` | ${shown} | ${schema.description} |`
  })
  return [
    'Each route of a list has the following; only `providers` must be stated. [routes.md](routes.md) explains how a message finds its carrier.',
    '',
    '| of a route | default | meaning |',
    '|---|---|---|',
    ...rows,
  ].join('\n')
}

const closing = `## Test addresses

\`testAddresses\` is a list for app reviewers and end-to-end tests: \`{ address, code, until }\`. Nothing is ever sent to such an
address; until the end of the day \`until\` (YYYY-MM-DD, UTC) its code is \`code\`, 6 to 10 digits.

## The key ring in the environment

\`${otherNames.keyRing}\` holds the lines of a key ring and wins over the file \`keyRing\`.
`

function table(settings: readonly Scalar[]): string {
  const rows = settings.map(({ path, env, schema }) => {
    const shown = schema.default === undefined ? '' : code(schema.default)
    return `| \`${path.join('.')}\` | ${shown} | ${schema.description ?? ''} | \`${env}\` |`
  })
  return ['| setting | default | meaning | environment |', '|---|---|---|---|', ...rows].join('\n')
}

function code(value: unknown): string {
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\``
}
