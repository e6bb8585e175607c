/** The part of one type of carrier in the settings: its schema, its channels, and the reading of its section. */

import { type ObjectSchema, type Schema, type Static, Type } from '../../json-schema.ts'
import type { Channel } from '../../message/channel.ts'
import { parseDuration } from '../duration.ts'
import { durationPattern, optional, strict } from '../policy-schema.ts'

/** A type of carrier. Each has a file of its own beside this one, and a line in `provider-settings.ts`. */
export type ProviderKind<S> = {
  /** The schema of its section without the settings that all types have. Its property `type` has the introducing sentence. */
  readonly schema: ObjectSchema
  /** The same for a type whose schema depends on the section. */
  schemaFor?(section: Readonly<Record<string, unknown>>): ObjectSchema
  /**
   * @param file  The section, of the schema's shape.
   * @param where  Its path, with which each problem begins: `providers.NAME`.
   * @param problems  Gets a sentence for each thing that cannot work, with the remedy.
   */
  read(file: never, where: string, problems: string[], context: ReadContext): S
  /** Those of its numeric settings that limit all workers together; each worker gets its share. */
  readonly shared?: readonly (keyof S & string)[]
  channels(settings: S): readonly Channel[]
  /** Whether a carrier with these settings sends receipts. */
  givesReceipts(settings: S): boolean
}

/** The other settings that a section may depend on. */
export type Surroundings = {
  /** The URL by which carriers reach this server; null if it is not stated. */
  readonly publicUrl: string | null
  readonly dataFolder: string
}

export type ReadContext = Surroundings & {
  /** The name of the provider. */
  readonly name: string
}

/** A sender that messages show, with the destinations and apps it may be used for. The first fitting rule is used. */
export type SenderRule = {
  readonly sender: string
  /** ISO regions; null: any. */
  readonly countries: readonly string[] | null
  readonly apps: readonly string[] | null
}

/** The settings of every carrier, whatever its type. */
export type CommonSettings = {
  /** Messages a second at most; null: no bound. */
  readonly perSecond: number | null
  /** Messages handed over and not answered yet, at most. */
  readonly window: number
  /** How long one hand-over may take, ms; null: by the route. */
  readonly timeoutMs: number | null
  /** The cost of one message, in any unit that is the same for all carriers. */
  readonly cost: number
  readonly senders: readonly SenderRule[]
  /** What follows for a message that was being handed over when its process died. */
  readonly afterCrash: 'again' | 'unknown'
}

export const commonSchema = Type.Object(
  {
    perSecond: optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 100_000,
        description: 'Messages a second, at most; of all workers together.',
      }),
    ),
    window: optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description:
          'Messages handed over and not answered yet, at most; further messages wait or take the next carrier. Of all workers together.',
        default: 200,
      }),
    ),
    timeout: optional(
      Type.String({
        pattern: durationPattern,
        description:
          'How long a hand-over may take before the next carrier of the route is tried. Default: 2500ms if there is a next one, else 10s.',
      }),
    ),
    cost: optional(
      Type.Number({
        minimum: 0,
        description:
          'Cost of one message, in any unit that is the same for all carriers; weighed by routes of order measured.',
        default: 0,
      }),
    ),
    afterCrash: optional(
      Type.Union([Type.Literal('again'), Type.Literal('unknown')], {
        description:
          'For a message that was being handed over when the server was killed. again: it is sent once more. unknown: it is recorded as unknown and not sent again, at the cost of a write for each message.',
        default: 'again',
      }),
    ),
    senders: optional(
      Type.Array(
        Type.Object(
          {
            sender: Type.String({ minLength: 1, maxLength: 21, description: 'Number, short code or name.' }),
            countries: optional(Type.Array(Type.String({ pattern: '^[A-Z]{2}$' }), { minItems: 1 })),
            apps: optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
          },
          strict,
        ),
        {
          description:
            'Senders by destination and app, `{ sender, countries, apps }`; the first that fits is shown. If none fits, the carrier chooses.',
          default: [],
        },
      ),
    ),
  },
  strict,
)

const numberSender = /^\+?\d{3,15}$/

/** Whether a text is a number, a short code, or a name of the form that networks accept. */
export function isSender(text: string): boolean {
  return numberSender.test(text) || /^(?=.*[A-Za-z])[A-Za-z0-9 _.&-]{1,11}$/.test(text)
}

/** Countries that accept no alphanumeric senders. Elsewhere these are 1 to 11 characters of GSM-7 with a letter. */
const withoutNames: ReadonlySet<string> = new Set(['US', 'CA', 'CN'])

export function readCommon(
  file: Static<typeof commonSchema>,
  where: string,
  problems: string[],
): CommonSettings {
  const timeoutMs = file.timeout === undefined ? null : parseDuration(file.timeout)!
  if (timeoutMs !== null && (timeoutMs < 100 || timeoutMs > 10_000))
    problems.push(`${where}.timeout: must be 100ms to 10s; a lease lasts 15s`)
  const senders = (file.senders ?? []).map((one, i): SenderRule => {
    const at = `${where}.senders.${i}`
    const isNumber = numberSender.test(one.sender)
    if (!isSender(one.sender))
      problems.push(
        `${at}.sender: is neither a number nor a name of 1 to 11 letters, digits and spaces with a letter`,
      )
    const barred = isNumber ? undefined : one.countries?.find((country) => withoutNames.has(country))
    if (barred !== undefined) problems.push(`${at}.sender: ${barred} takes numbers only, no names`)
    return { sender: one.sender, countries: one.countries ?? null, apps: one.apps ?? null }
  })
  return {
    perSecond: file.perSecond ?? null,
    window: file.window ?? 200,
    timeoutMs,
    cost: file.cost ?? 0,
    senders,
    afterCrash: file.afterCrash ?? 'again',
  }
}

/** A type's whole section: its own settings and the common ones. */
export function wholeSchema({ schema }: { readonly schema: ObjectSchema }): ObjectSchema {
  const { additionalProperties = false } = schema as { additionalProperties?: boolean }
  const properties = { ...schema.properties, ...commonSchema.properties } as Record<string, Schema>
  return Type.Object(properties, { additionalProperties })
}
