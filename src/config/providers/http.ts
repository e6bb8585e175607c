/** Settings of a carrier with an HTTP interface: a declared block, and the values that it needs from the operator. */

import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { type ObjectSchema, type Schema, type Static, Type } from '../../json-schema.ts'
import { createCompiler } from '../../liquid.ts'
import { isNetwork } from '../../network/networks.ts'
import type { CarrierBlock, Need } from '../carriers/block-schema.ts'
import { loadBlock } from '../carriers/load-block.ts'
import { readTemplateIds, type TemplateIds, templateIdsSchema } from '../carriers/template-ids.ts'
import { fileProblems } from '../files.ts'
import { optional, strict } from '../policy-schema.ts'
import { commonSchema, type ProviderKind } from './kind.ts'
import { isHostOrNetwork, noHostOrNetwork, readSecret, text } from './parts.ts'

export type HttpSettings = {
  readonly type: 'http'
  readonly block: CarrierBlock
  /** The values of the block's needs, by name; empty for an optional one that is not stated. */
  readonly values: Readonly<Record<string, string>>
  /** Those of the values that must never be printed. */
  readonly secrets: readonly string[]
  /** Scheme, host and port, and a path that requests begin with; it ends without a slash. */
  readonly server: string
  /** Private hosts, addresses and networks that may be called all the same. */
  readonly allowPrivate: readonly string[]
  /** PEM of certificate authorities to trust besides the system's. */
  readonly ca: string | null
  readonly templateIds: TemplateIds | null
  /** The URL that the carrier calls with receipts; null: receipts are off. */
  readonly receiptUrl: string | null
}

const schema = Type.Object(
  {
    type: Type.Literal('http', {
      description:
        'A carrier with an HTTP interface: a [ready-made one](carriers/README.md), or [your own](carriers/own-block.md). Its page lists the settings that it needs beside these.',
    }),
    carrier: text('Name of a ready-made carrier.'),
    carrierFile: text('YAML file of your own block.'),
    block: optional(Type.Unsafe<unknown>({ type: 'object', description: 'Your own block, here.' })),
    receipts: optional(
      Type.Boolean({
        description: 'Receive receipts, if the carrier gives them; needs publicUrl.',
        default: true,
      }),
    ),
    allowPrivate: optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description:
          'Hosts, addresses and CIDR blocks of private networks that may be called nevertheless, also without TLS.',
        default: [],
      }),
    ),
    caFile: text('PEM file of certificate authorities to trust beside the system’s.'),
    templateIds: optional(templateIdsSchema),
  },
  strict,
)

const taken = [...Object.keys(schema.properties), ...Object.keys(commonSchema.properties)]

export const httpKind: ProviderKind<HttpSettings> = {
  schema,
  channels: ({ block }) => block.channels,
  givesReceipts: ({ receiptUrl }) => receiptUrl !== null,

  schemaFor(section) {
    const block = loadBlock(section, '', taken, [])
    // Without a usable block the needs are unknown, so anything goes here; `read` reports the problems of the block.
    if (!block) return Type.Object(schema.properties, { additionalProperties: true })
    return Type.Object({ ...schema.properties, ...needsSchema(block) }, strict) as ObjectSchema
  },

  read(file: Static<typeof schema>, where, problems, { name, publicUrl }) {
    const block = loadBlock(file, where, taken, problems) ?? nothing
    const hasReceipts = block.receipts !== undefined && file.receipts !== false
    if (hasReceipts && publicUrl === null)
      problems.push(
        `${where}: the carrier tells what became of messages; state publicUrl, or receipts: false`,
      )
    const { values, secrets } = readNeeds(block, file, hasReceipts, where, problems)
    for (const one of file.allowPrivate ?? [])
      if (!isHostOrNetwork(one)) problems.push(noHostOrNetwork(where, one))
    const caProblems = fileProblems(`${where}.caFile`, file.caFile)
    problems.push(...caProblems)
    return {
      type: 'http',
      block,
      values,
      secrets,
      server: serverOf(block, values, file.allowPrivate ?? [], where, problems),
      allowPrivate: file.allowPrivate ?? [],
      ca:
        file.caFile !== undefined && caProblems.length === 0
          ? readFileSync(resolve(file.caFile), 'utf8')
          : null,
      templateIds:
        block === nothing ? null : readTemplateIds(block, file.templateIds, `${where}.templateIds`, problems),
      receiptUrl: hasReceipts && publicUrl !== null ? `${publicUrl}/receipts/${name}` : null,
    }
  },
}

/** Stands for a block that cannot work. Its problems are reported and the server does not start, so it never sends. */
const nothing: CarrierBlock = {
  channels: [],
  request: { server: 'https://invalid.', path: '' },
  answer: { accepted: {} },
}

function needsSchema(block: CarrierBlock): Record<string, Schema> {
  const entries = Object.entries(block.needs ?? {}).flatMap(([name, need]) => {
    const { description, secret = false, pattern } = need
    const options = { minLength: 1, description, secret, ...(pattern !== undefined && { pattern }) }
    const own = [
      name,
      optional(Type.String({ ...options, ...(need.default !== undefined && { default: need.default }) })),
    ]
    return secret ? [own, [`${name}File`, text(`File that holds ${name}.`)]] : [own]
  })
  return Object.fromEntries(entries)
}

function readNeeds(
  block: CarrierBlock,
  file: Readonly<Record<string, unknown>>,
  hasReceipts: boolean,
  where: string,
  problems: string[],
): Pick<HttpSettings, 'values' | 'secrets'> {
  const values: Record<string, string> = {}
  const secrets: string[] = []
  const stated = file as Readonly<Record<string, string | undefined>>
  for (const [name, need] of Object.entries(block.needs ?? {})) {
    const found = need.secret ? readSecret(stated, name, where, problems) : stated[name]
    values[name] = found ?? need.default ?? ''
    if (need.secret && values[name] !== '') secrets.push(values[name])
    const isStated = stated[name] !== undefined || stated[`${name}File`] !== undefined
    if (!isStated && isNeeded(need, hasReceipts))
      problems.push(
        `${where}.${name}: must be stated${need.secret ? `, or ${name}File` : ''}; ${need.description}`,
      )
    // A value that came from a file has not been checked by the schema.
    if (
      need.secret &&
      need.pattern !== undefined &&
      values[name] !== '' &&
      !new RegExp(need.pattern, 'u').test(values[name])
    )
      problems.push(`${where}.${name}: is not of the form ${need.pattern}`)
  }
  for (const group of block.needsOneOf ?? [])
    if (
      group.every((name) => values[name] === '') &&
      group.some((name) => isFor(block.needs?.[name], hasReceipts))
    )
      problems.push(`${where}: one of ${group.join(', ')} must be stated`)
  return { values, secrets }
}

function isNeeded(need: Need, hasReceipts: boolean): boolean {
  return need.optional !== true && need.default === undefined && isFor(need, hasReceipts)
}

function isFor(need: Need | undefined, hasReceipts: boolean): boolean {
  return need?.for === undefined || hasReceipts
}

/** Plain HTTP is allowed only where nobody else can listen, because requests hold the code and the carrier's password. */
function serverOf(
  block: CarrierBlock,
  values: Readonly<Record<string, string>>,
  allowPrivate: readonly string[],
  where: string,
  problems: string[],
): string {
  if (block === nothing) return ''
  const text = createCompiler()(block.request.server, Object.keys(values))(values)
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    problems.push(`${where}: the carrier’s server must be https://HOST or https://HOST:PORT`)
    return ''
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (
    url.protocol === 'http:' &&
    !allowPrivate.some((one) => one === host || (isIP(host) !== 0 && isNetwork(one)))
  )
    problems.push(
      `${where}: ${host} would be called without TLS; that is only for a host of your own network that allowPrivate lists`,
    )
  return url.href.replace(/(?<!\/)\/+$/, '')
}
