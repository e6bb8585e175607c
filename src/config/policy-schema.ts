/** The policy section of the settings: what may be set for all apps, or for one. */

import { apiCalls } from '../flows/policy.ts'
import { type Static, Type } from '../json-schema.ts'

export const durationPattern = '^[0-9]{1,9}(ms|s|m|h|d)$'
export const windowPattern = '^[1-9][0-9]{0,8}/[1-9][0-9]{0,8}(ms|s|m|h|d)$'

export const strict = { additionalProperties: false } as const
export const optional = Type.Optional
const lifetime = (description: string, byDefault: string) =>
  optional(Type.String({ pattern: durationPattern, description, default: byDefault }))
/** Limits as COUNT/TIME. */
export const windows = (description: string, byDefault: readonly string[]) =>
  optional(Type.Array(Type.String({ pattern: windowPattern }), { description, default: byDefault }))

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
                    default: ['60s', '60s', '120s', '300s', '900s'],
                  }),
                ),
                windows: windows(
                  'Codes to an address in the tenant, for all members together who do not hold it.',
                  ['5/1h', '6/24h'],
                ),
              },
              strict,
            ),
          ),
          holder: windows('Codes to an address for the member who holds it.', ['3/10m', '4/24h']),
          memberAddress: windows('Codes to an address for one member who does not hold it.', [
            '3/10m',
            '4/24h',
          ]),
          member: windows('Codes a member asks for.', ['10/1h', '20/24h']),
          memberAddresses: windows('Different addresses a member asks codes for.', ['5/24h']),
          network: windows('Codes asked for from one network (IPv6: /64).', ['120/1h']),
          app: optional(
            Type.Object(
              {
                perSecond: optional(
                  Type.Number({
                    exclusiveMinimum: 0,
                    maximum: 100_000,
                    description: 'Codes an app asks for, on average.',
                    default: 50,
                  }),
                ),
                burst: optional(
                  Type.Integer({
                    minimum: 1,
                    maximum: 1_000_000,
                    description: 'Codes an app may ask for at once.',
                    default: 500,
                  }),
                ),
                perDay: optional(
                  Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000_000 }), Type.Null()], {
                    description: 'Codes an app may ask for in 24 hours; null means no cap.',
                    default: null,
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
          memberAddress: windows('Codes a member enters for one address.', ['5/60s']),
        },
        strict,
      ),
    ),
    wrong: optional(
      Type.Object(
        {
          address: windows(
            'Wrong codes for an address, of all members together who had a live code for it. Beyond it no code is sent to members who do not hold the address.',
            ['30/24h'],
          ),
          memberAddress: windows('Wrong codes of a member for one address.', ['15/24h', '50/30d']),
          member: windows('Wrong codes of a member.', ['20/24h']),
          network: windows(
            'Wrong codes from one network. Beyond it members there get no codes for addresses that they do not hold.',
            ['60/1h'],
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
    limits: optional(limits),
  },
  strict,
)

export type PolicyOverrides = Static<typeof policySchema>
