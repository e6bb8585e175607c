/** The policy section of the settings, for all apps or for a single one. */

import { locales } from '../delivery/template-values.ts'
import { apiCalls } from '../flows/policy.ts'
import { type Static, Type } from '../json-schema.ts'
import { defaultLimits, type Window } from '../throttle/policy.ts'
import { maxSteps } from '../verification/plan.ts'
import { formatDuration, formatWindow } from './duration.ts'

export const durationPattern = '^[0-9]{1,9}(ms|s|m|h|d)$'
export const windowPattern = '^[1-9][0-9]{0,8}/[1-9][0-9]{0,8}(ms|s|m|h|d)$'

/** `CHANNEL/TIME` from the start, or `CHANNEL/TIME/delivered`. */
const stepPattern = '^(sms|voice)/[0-9]{1,9}(ms|s|m|h|d)(/delivered)?$'

export const strict = { additionalProperties: false } as const
export const optional = Type.Optional
const lifetime = (description: string, byDefault: string) =>
  optional(Type.String({ pattern: durationPattern, description, default: byDefault }))
/** Limits as COUNT/TIME. */
export const windows = (description: string, byDefault: readonly Window[]) =>
  optional(
    Type.Array(Type.String({ pattern: windowPattern }), {
      description,
      default: byDefault.map(formatWindow),
    }),
  )
const { issues, submissions, wrong } = defaultLimits

const limits = Type.Object(
  {
    issues: optional(
      Type.Object(
        {
          address: optional(
            Type.Object(
              {
                gaps: optional(
                  Type.Array(Type.String({ pattern: durationPattern }), {
                    maxItems: 100,
                    description:
                      'Least time between a code and the next of a member for one address: after the first code in 24 hours, the second, and so on. A test address has none.',
                    default: issues.address.gapsMs.map(formatDuration),
                  }),
                ),
                windows: windows(
                  'Codes to an address in the tenant, for all members together who do not hold it.',
                  issues.address.windows,
                ),
              },
              strict,
            ),
          ),
          holder: windows('Codes to an address for the member who holds it.', issues.holder),
          memberAddress: windows(
            'Codes to an address for one member who does not hold it.',
            issues.memberAddress,
          ),
          member: windows('Codes a member asks for.', issues.member),
          memberAddresses: windows('Different addresses a member asks codes for.', issues.memberAddresses),
          network: windows('Codes asked for from one network (IPv6: /64).', issues.network),
          app: optional(
            Type.Object(
              {
                perSecond: optional(
                  Type.Number({
                    exclusiveMinimum: 0,
                    maximum: 100_000,
                    description: 'Codes an app asks for, on average.',
                    default: issues.app.perSecond,
                  }),
                ),
                burst: optional(
                  Type.Integer({
                    minimum: 1,
                    maximum: 1_000_000,
                    description: 'Codes an app may ask for at once.',
                    default: issues.app.burst,
                  }),
                ),
                perDay: optional(
                  Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000_000 }), Type.Null()], {
                    description: 'Codes an app may ask for in 24 hours; null means no cap.',
                    default: issues.app.perDay,
                  }),
                ),
              },
              strict,
            ),
          ),
        },
        strict,
      ),
    ),
    submissions: optional(
      Type.Object(
        {
          memberAddress: windows('Codes a member enters for one address.', submissions.memberAddress),
        },
        strict,
      ),
    ),
    wrong: optional(
      Type.Object(
        {
          address: windows(
            'Wrong codes for an address, of all members together who had a live code for it. Beyond it no code is sent to members who do not hold the address.',
            wrong.address,
          ),
          memberAddress: windows('Wrong codes of a member for one address.', wrong.memberAddress),
          member: windows('Wrong codes of a member.', wrong.member),
          network: windows(
            'Wrong codes from one network. Beyond it members there get no codes for addresses that they do not hold.',
            wrong.network,
          ),
        },
        strict,
      ),
    ),
  },
  strict,
)

export const policySchema = Type.Object(
  {
    profile: optional(
      Type.Union([Type.Literal('default'), Type.Literal('strict')], {
        description: 'strict: eight digits instead of six.',
        default: 'default',
      }),
    ),
    digits: optional(
      Type.Integer({
        minimum: 6,
        maximum: 10,
        description: 'Digits of a code; wins over the profile.',
        default: 6,
      }),
    ),
    lifetime: optional(
      Type.Object(
        {
          sms: lifetime('Life of a code sent by SMS; at most 10 minutes.', '60s'),
          email: lifetime('Life of a code sent by e-mail; at most 10 minutes.', '60s'),
          reset: lifetime('Life of a code for a forgotten password; at most 10 minutes.', '180s'),
        },
        strict,
      ),
    ),
    maxSubmissions: optional(
      Type.Integer({
        minimum: 1,
        maximum: 10,
        description: 'Codes that may be entered, right or wrong, until the code is dead.',
        default: 5,
      }),
    ),
    needsProof: optional(
      Type.Boolean({
        description: 'A present contact must be verified before a contact is changed.',
        default: true,
      }),
    ),
    refusesRepeatedNonce: optional(
      Type.Boolean({
        description: 'Refuse an App ID login whose nonce was used in the last 7 days.',
        default: false,
      }),
    ),
    keyOverlap: lifetime(
      'How long the key before a reset still signs App ID logins, so that no program of the app is refused meanwhile. 0s: it is refused at once; at most 30d.',
      '0s',
    ),
    allowsLongSignatures: optional(
      Type.Boolean({
        description:
          'Take App ID signatures whose expireTime is more than 7 days ahead, or 0 (never expires). Whoever finds one can log in by it.',
        default: false,
      }),
    ),
    tellsClientIp: optional(
      Type.Union([Type.Boolean(), Type.Array(Type.String())], {
        description:
          'Addresses and CIDR blocks of the app’s servers. X-Client-IP is believed in calls from there; true: in calls from this machine.',
        default: false,
      }),
    ),
    countries: optional(
      Type.Union([Type.Literal('all'), Type.Array(Type.String({ pattern: '^[A-Z]{2}$' }), { minItems: 1 })], {
        description:
          'Regions (ISO 3166-1, e.g. [CN, HK]) that SMS may go to, or all. Must be stated in production.',
        default: 'all',
      }),
    ),
    calls: optional(
      Type.Array(Type.Union(apiCalls.map((call) => Type.Literal(call))), {
        description: `Calls that are allowed: ${apiCalls.join(', ')}.`,
        default: [...apiCalls],
      }),
    ),
    plan: optional(
      Type.Array(Type.String({ pattern: stepPattern }), {
        maxItems: maxSteps,
        description:
          'How a code to a number goes out if a start by an API key names neither channel nor plan, such as [sms/0s, voice/30s]: each step at its time from the start until the code is used; with /delivered, left out if delivery was reported. Empty: one SMS. A step that no route serves, or that comes less than 20 s before the end of the code, is left out.',
        default: [],
      }),
    ),
    locale: optional(
      Type.Union([Type.Literal('region'), ...locales.map((locale) => Type.Literal(locale))], {
        description:
          'Language of messages where a start by an API key names none that there is; region: Chinese to numbers of mainland China, otherwise English.',
        default: 'region',
      }),
    ),
    origins: optional(
      Type.Array(Type.String({ pattern: '^[a-z0-9.-]+$', maxLength: 253 }), {
        description:
          'Hosts of pages that codes are entered on. A start by an API key may name one, and its SMS ends in `@host #code`.',
        default: [],
      }),
    ),
    appHashes: optional(
      Type.Array(Type.String({ pattern: '^[A-Za-z0-9+/]{11}$' }), {
        description:
          'Hashes of Android apps that read codes by themselves (SMS Retriever). A start by an API key may name one.',
        default: [],
      }),
    ),
    proofToken: optional(
      Type.Object(
        {
          form: optional(
            Type.Union(
              ['plain', 'hashed', 'none'].map((one) => Type.Literal(one)),
              {
                description:
                  'What the proof token of a verification has: plain, the address; hashed, a hash of it, another for each audience; none: there is no token.',
                default: 'plain',
              },
            ),
          ),
          lifetime: lifetime('Life of a proof token; at most 24 hours.', '10m'),
        },
        strict,
      ),
    ),
    pages: optional(
      Type.Object(
        {
          returnUrls: optional(
            Type.Array(Type.String({ maxLength: 500 }), {
              maxItems: 50,
              description:
                'Where the hosted page may send people back to, each an https URL; one that ends with a slash stands for all below it. One of this machine may be http, and stands for all ports.',
              default: [],
            }),
          ),
          frameAncestors: optional(
            Type.Array(Type.String({ maxLength: 250 }), {
              maxItems: 10,
              description:
                'Origins of pages that may show the hosted page in a frame, such as https://shop.example.',
              default: [],
            }),
          ),
        },
        strict,
      ),
    ),
    limits: optional(limits),
  },
  strict,
)

export type PolicyOverrides = Static<typeof policySchema>
