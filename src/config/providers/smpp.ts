/** Settings of a carrier reached by SMPP 3.4. */

import { resolve } from 'node:path'
import { type Static, Type } from '../../json-schema.ts'
import { type ReceiptState, receiptStates } from '../../message/receipt-state.ts'
import { isLoopback } from '../../network/loopback.ts'
import { fileProblems } from '../files.ts'
import { optional, strict } from '../policy-schema.ts'
import { isSender, type ProviderKind } from './kind.ts'
import { readSecret, text } from './parts.ts'

export type SmppSettings = {
  readonly type: 'smpp'
  readonly host: string
  readonly port: number
  /** tls · tunnel: plain, inside a VPN or a leased line · none: plain, on this machine. */
  readonly security: 'tls' | 'tunnel' | 'none'
  /** Certificate authorities to trust besides the system's. */
  readonly caFile: string | null
  readonly systemId: string
  readonly password: string
  readonly systemType: string
  readonly bind: 'transceiver' | 'pair'
  readonly binds: number
  /** The most unanswered submits of each bind. */
  readonly bindWindow: number
  readonly alphabet: 'gsm' | 'latin1'
  /** The sender if no rule of `senders` fits; null: the carrier chooses. */
  readonly sender: string | null
  readonly receipts: boolean
  readonly receiptIds: 'as-is' | 'hex-to-decimal' | 'decimal-to-hex'
  /** By the carrier's own words, in capitals. */
  readonly receiptStates: Readonly<Record<string, ReceiptState>>
  readonly validity: 'none' | 'relative' | 'absolute'
  readonly interfaceVersion: 3.3 | 3.4 | 5
  readonly serviceType: string
  /** auto: sent to peers that announce version 3.4 or newer. */
  readonly optionalParameters: 'auto' | 'always' | 'never'
  /** null: derived from the sender. Those of the destination are always international, 1 and 1. */
  readonly sourceTon: number | null
  readonly sourceNpi: number | null
  readonly destinationTon: number | null
  readonly destinationNpi: number | null
  readonly maxParts: number
}

const octet = (description: string) => optional(Type.Integer({ minimum: 0, maximum: 255, description }))

const schema = Type.Object(
  {
    type: Type.Literal('smpp', {
      description: 'An SMS carrier reached by SMPP 3.4 (docs/carriers/smpp.md).',
    }),
    host: Type.String({ minLength: 1, description: 'Its name or address.' }),
    port: optional(
      Type.Integer({
        minimum: 1,
        maximum: 65535,
        description: 'Its port. Default: 3550 with tls, else 2775.',
      }),
    ),
    security: optional(
      Type.Union([Type.Literal('tls'), Type.Literal('tunnel'), Type.Literal('none')], {
        description:
          'tls: with the certificate checked. tunnel: plain, inside a VPN or leased line of yours. none: plain, allowed only for an SMSC on this machine.',
        default: 'tls',
      }),
    ),
    caFile: text('PEM file of certificate authorities to trust beside the system’s.'),
    systemId: Type.String({ minLength: 1, maxLength: 15, description: 'system_id: the name to bind with.' }),
    password: text('Password, at most 8 characters. Better in a file.'),
    passwordFile: text('File that holds the password.'),
    systemType: optional(
      Type.String({ maxLength: 12, description: 'system_type, if the carrier states one.', default: '' }),
    ),
    bind: optional(
      Type.Union([Type.Literal('transceiver'), Type.Literal('pair')], {
        description: 'transceiver, or a pair of transmitter and receiver for carriers without transceivers.',
        default: 'transceiver',
      }),
    ),
    binds: optional(
      Type.Integer({
        minimum: 1,
        maximum: 32,
        description:
          'Binds (or pairs) held at once, by all workers together; the carrier says how many it allows.',
        default: 2,
      }),
    ),
    bindWindow: optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description: 'Messages sent by one bind and not answered yet, at most.',
        default: 10,
      }),
    ),
    alphabet: optional(
      Type.Union([Type.Literal('gsm'), Type.Literal('latin1')], {
        description: 'The carrier’s alphabet for data_coding 0: GSM 03.38 or Latin-1.',
        default: 'gsm',
      }),
    ),
    sender: text(
      'Sender if none of senders fits: a name, an international number with its +, or a short code. Not stated: the carrier’s own choice.',
    ),
    receipts: optional(Type.Boolean({ description: 'Whether to ask for delivery receipts.', default: true })),
    receiptIds: optional(
      Type.Union([Type.Literal('as-is'), Type.Literal('hex-to-decimal'), Type.Literal('decimal-to-hex')], {
        description:
          'How to convert the id in a receipt to the id in the answer to the submit. Case and leading zeros never matter.',
        default: 'as-is',
      }),
    ),
    receiptStates: optional(
      Type.Record(Type.String(), Type.Union(receiptStates.map((state) => Type.Literal(state))), {
        description:
          'States of receipts in the carrier’s own words or numbers, such as `{ LOST: undeliverable, "0": delivered }`; those of SMPP are known.',
        default: {},
      }),
    ),
    validity: optional(
      Type.Union([Type.Literal('none'), Type.Literal('relative'), Type.Literal('absolute')], {
        description:
          'Form of the validity period sent to the carrier: relative, absolute by the clock of this machine, or none if the carrier takes neither (0x62 ESME_RINVEXPIRY).',
        default: 'relative',
      }),
    ),
    interfaceVersion: optional(
      Type.Union([Type.Literal(3.3), Type.Literal(3.4), Type.Literal(5)], {
        description: 'Version of SMPP that binds ask for.',
        default: 3.4,
      }),
    ),
    serviceType: optional(
      Type.String({ maxLength: 5, description: 'service_type, if the carrier states one.', default: '' }),
    ),
    optionalParameters: optional(
      Type.Union([Type.Literal('auto'), Type.Literal('always'), Type.Literal('never')], {
        description:
          'Whether messages carry optional parameters: auto, if the carrier’s answer to the bind says 3.4 or newer; never, if it refuses them (0xC1 ESME_ROPTPARNOTALLWD).',
        default: 'auto',
      }),
    ),
    sourceTon: octet('Type of number of the sender. Default: by its form.'),
    sourceNpi: octet('Numbering plan of the sender. Default: by its form.'),
    destinationTon: octet('Type of number of the destination. Default: 1, international.'),
    destinationNpi: octet('Numbering plan of the destination. Default: 1.'),
    maxParts: optional(
      Type.Integer({
        minimum: 1,
        maximum: 10,
        description:
          'The most parts of a message for this carrier; a longer one goes to the next carrier. templates.smsParts limits all carriers.',
        default: 3,
      }),
    ),
  },
  strict,
)

export const smppKind: ProviderKind<SmppSettings> = {
  schema,
  shared: ['binds'],
  channels: () => ['sms'],
  givesReceipts: ({ receipts }) => receipts,
  read(file: Static<typeof schema>, where, problems) {
    const security = (file.security ?? 'tls') as SmppSettings['security']
    if (security === 'none' && !isLoopback(file.host))
      problems.push(
        `${where}.security: none is only for an SMSC on this machine; codes would cross the network in clear. Use tls, or tunnel if a VPN or leased line of yours leads there`,
      )
    if (security !== 'tls' && file.caFile !== undefined)
      problems.push(`${where}.caFile: is of no use without security tls; leave it out`)
    problems.push(...fileProblems(`${where}.caFile`, file.caFile))
    const password = readSecret(file, 'password', where, problems)
    if (password === null && file.passwordFile === undefined)
      problems.push(`${where}.password: must be stated, or passwordFile`)
    // SMPP 3.4, 5.2.2: eight characters and a NUL.
    if (password !== null && !/^[\x20-\x7e]{1,8}$/.test(password))
      problems.push(
        `${where}.password: SMPP takes 1 to 8 characters of ASCII; ask the carrier for such a one`,
      )
    for (const name of ['systemId', 'systemType', 'serviceType'] as const)
      if (!/^[\x20-\x7e]*$/.test(file[name] ?? '')) problems.push(`${where}.${name}: must be ASCII`)
    if (file.sender !== undefined && !isSender(file.sender))
      problems.push(
        `${where}.sender: is neither a number nor a name of 1 to 11 letters, digits and spaces with a letter`,
      )
    for (const word of Object.keys(file.receiptStates ?? {}))
      if (!/^(?:[A-Za-z]{1,20}|\d{1,3})$/.test(word))
        problems.push(`${where}.receiptStates: ${word} is neither a word of letters nor a number`)
    return {
      type: 'smpp',
      host: file.host,
      port: file.port ?? (security === 'tls' ? 3550 : 2775),
      security,
      caFile: file.caFile ? resolve(file.caFile) : null,
      systemId: file.systemId,
      password: password ?? '',
      systemType: file.systemType ?? '',
      bind: (file.bind ?? 'transceiver') as SmppSettings['bind'],
      binds: file.binds ?? 2,
      bindWindow: file.bindWindow ?? 10,
      alphabet: (file.alphabet ?? 'gsm') as SmppSettings['alphabet'],
      sender: file.sender ?? null,
      receipts: file.receipts ?? true,
      receiptIds: (file.receiptIds ?? 'as-is') as SmppSettings['receiptIds'],
      receiptStates: Object.fromEntries(
        Object.entries(file.receiptStates ?? {}).map(([word, state]) => [word.toUpperCase(), state]),
      ) as SmppSettings['receiptStates'],
      validity: (file.validity ?? 'relative') as SmppSettings['validity'],
      interfaceVersion: (file.interfaceVersion ?? 3.4) as SmppSettings['interfaceVersion'],
      serviceType: file.serviceType ?? '',
      optionalParameters: (file.optionalParameters ?? 'auto') as SmppSettings['optionalParameters'],
      sourceTon: file.sourceTon ?? null,
      sourceNpi: file.sourceNpi ?? null,
      destinationTon: file.destinationTon ?? null,
      destinationNpi: file.destinationNpi ?? null,
      maxParts: file.maxParts ?? 3,
    }
  },
}
