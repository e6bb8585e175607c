/** The parameters of the dialect's calls as schemas, and the refusals of wrong ones. */

import { signedField } from '../../flows/app-login.ts'
import { type Schema, type Static, Type } from '../../json-schema.ts'
import type { Fault } from '../../schema-faults.ts'
import type { Refusal } from './errors.ts'
import type { Locale } from './locale.ts'

export const optional = <T extends Schema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))
export const text = (minLength: number, maxLength: number) => Type.String({ minLength, maxLength })
const signed = (minLength: number, maxLength: number) =>
  Type.String({ minLength, maxLength, pattern: signedField })

const contact = text(1, 255)
const country = optional(Type.String({ maxLength: 255 }))
const code = optional(Type.String({ maxLength: 64 }))

export const verificationCodeBody = Type.Object({ contact, country, verificationCode: code })

export const undoBody = Type.Object({
  contact,
  country,
  verificationCode: code,
  /** From the notice of the change. */
  reference: optional(Type.String({ maxLength: 64 })),
})

export const appAuthBody = Type.Object({
  appId: signed(1, 64),
  clientType: Type.Integer({ minimum: 0, maximum: 255 }),
  expireTime: Type.Integer({ minimum: 0, maximum: 1e12 }),
  nonce: signed(32, 64),
  userId: optional(signed(0, 64)),
  corpId: optional(signed(0, 64)),
  userName: optional(Type.String({ maxLength: 96 })),
  userEmail: optional(Type.String({ maxLength: 255 })),
  userPhone: optional(Type.String({ maxLength: 255 })),
  deptCode: optional(Type.String({ maxLength: 64 })),
})

export const accountBody = Type.Object({
  account: text(1, 255),
  clientType: Type.Integer({ minimum: 0, maximum: 255 }),
  createTokenType: optional(Type.Integer({ minimum: 0, maximum: 1 })),
})

export const validateBody = Type.Object({
  token: text(1, 255),
  needGenNewToken: optional(Type.Boolean()),
  needAccountInfo: optional(Type.Boolean()),
})

export const memberBody = Type.Object({
  name: text(1, 64),
  englishName: optional(Type.String({ maxLength: 64 })),
  signature: optional(Type.String({ maxLength: 512 })),
  title: optional(Type.String({ maxLength: 32 })),
  desc: optional(Type.String({ maxLength: 128 })),
})

export type VerificationCodeBody = Static<typeof verificationCodeBody>
export type UndoBody = Static<typeof undoBody>
export type AppAuthBody = Static<typeof appAuthBody>
export type AccountBody = Static<typeof accountBody>
export type ValidateBody = Static<typeof validateBody>
export type MemberBody = Static<typeof memberBody>

/** A refusal of one parameter. */
export function invalid(field: string, problem: Readonly<Record<Locale, string>>): Refusal {
  return { code: 'USG.000000003', details: { field, problem } }
}

/** The refusal for the faults that a schema found. It names the field and how to mend it. */
export function refusalOf(errors: readonly Pick<Fault, 'keyword' | 'instancePath' | 'params'>[]): Refusal {
  // For a union, `anyOf`, the last fault is about the whole; the first is about the kind that was meant.
  const error = errors[0]
  if (!error) return invalid('body', { 'zh-CN': '格式错误', 'en-US': 'it is malformed' })
  const path = error.instancePath.split('/').slice(1).join('.')
  const missing = (error.params.requiredProperties as readonly string[] | undefined)?.[0]
  const field = missing ?? (path || 'body')
  const limit = String(error.params.limit ?? '')
  const problems: Record<string, Readonly<Record<Locale, string>>> = {
    required: { 'zh-CN': '必须携带', 'en-US': 'it is mandatory' },
    minLength: { 'zh-CN': `至少 ${limit} 个字符`, 'en-US': `it takes at least ${limit} characters` },
    maxLength: { 'zh-CN': `最多 ${limit} 个字符`, 'en-US': `it takes at most ${limit} characters` },
    minimum: { 'zh-CN': `不能小于 ${limit}`, 'en-US': `it must be at least ${limit}` },
    maximum: { 'zh-CN': `不能大于 ${limit}`, 'en-US': `it must be at most ${limit}` },
    ...(error.params.pattern === signedField && {
      pattern: {
        'zh-CN': '不能含冒号或控制字符',
        'en-US': 'it must hold no colon and no control characters',
      },
    }),
    type: { 'zh-CN': `类型应为 ${error.params.type}`, 'en-US': `it must be of type ${error.params.type}` },
  }
  return invalid(field, problems[error.keyword] ?? { 'zh-CN': '格式错误', 'en-US': 'it is malformed' })
}
