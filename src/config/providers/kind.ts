/** What one type of carrier brings to the settings: its schema, its channels, and how its section is read. */

import { type ObjectSchema, type Schema, type Static, Type } from '../../json-schema.ts'
import type { Channel } from '../../message/channel.ts'
import { parseDuration } from '../duration.ts'
import { durationPattern, optional, strict } from '../policy-schema.ts'

/** A type of carrier. Each has a file of its own beside this one, and a line in `provider-settings.ts`. */
export type ProviderKind<S> = {
  /** Of its section, less what is common to all. Its property `type` holds the sentence that introduces it. */
  readonly schema: ObjectSchema
  /** Likewise, where it depends on what the section states. */
  schemaFor?(section: Readonly<Record<string, unknown>>): ObjectSchema
  /**
   * @param file  The section, of the schema's shape.
   * @param where  Its path, to begin a problem with: `providers.NAME`.
   * @param problems  Gets a sentence for each thing that cannot work, with the remedy.
   */
  read(file: never, where: string, problems: string[], context: ReadContext): S
  /** Numbers of its settings that bound all workers together; each worker has its share. */
  readonly shared?: readonly (keyof S & string)[]
  channels(settings: S): readonly Channel[]
  /** Whether it tells what became of messages. */
  givesReceipts(settings: S): boolean
}

/** What a section may need to know of the rest. */
export type Surroundings = {
  /** Where carriers reach this server; null if it is not stated. */
  readonly publicUrl: string | null
  readonly dataFolder: string
}

export type ReadContext = Surroundings & {
  /** Of the provider. */
  readonly name: string
}

/** A sender as messages show it, for the destinations and apps it may be used for; the first that fits is taken. */
export type SenderRule = {
  readonly sender: string
  /** ISO regions; null: any. */
  readonly countries: readonly string[] | null
  readonly apps: readonly string[] | null
}

/** What every carrier may have, whatever its type. */
export type CommonSettings = {
  /** Messages a second at most; null: no bound. */
  readonly perSecond: number | null
  /** Messages handed over and not answered yet, at most. */
  readonly window: number
  /** How long one hand-over may take, ms; null: by the route. */
  readonly timeoutMs: number | null
  /** Of one message, in any unit that is the same for all carriers. */
  readonly cost: number
  readonly senders: readonly SenderRule[]
  /** What becomes of a message that was being handed over when its process died. */
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

/** A number, a short code, or a name as networks take them. */
export function isSender(text: string): boolean {
  return numberSender.test(text) || /^(?=.*[A-Za-z])[A-Za-z0-9 _.&-]{1,11}$/.test(text)
}

/** Alphanumeric senders are 1 to 11 characters of GSM-7 with a letter; these countries take none at all. */
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
