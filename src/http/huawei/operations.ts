/** The calls of the Huawei Cloud Meeting wire as operations of the document. */

import { type ObjectSchema, type Properties, type Schema, Type } from '../../json-schema.ts'
import type { Operation, Parameter, Response } from '../openapi.ts'
import { answerFields, refusalFields } from './answer-fields.ts'
import { corpCalls } from './corp-operations.ts'
import type { Fields, JsonType } from './member-fields.ts'
import {
  accountBody,
  appAuthBody,
  memberBody,
  undoBody,
  validateBody,
  verificationCodeBody,
} from './parameters.ts'
import { passwordCalls } from './password-operations.ts'

export const wireTag = 'Huawei Cloud Meeting wire'

type CallName = keyof typeof answerFields

export type Described = {
  readonly operationId: string
  readonly summary: string
  readonly security: readonly string[]
  readonly body?: Schema
  /** The schema of its query. */
  readonly query?: ObjectSchema
  /** Statuses of refusals, beside those of every call. */
  readonly refusals: readonly number[]
}

const calls: Readonly<Record<CallName, Described>> = {
  'POST /v2/usg/acs/auth/appauth': {
    operationId: 'wireAppLogin',
    summary: 'Log in as an app, by a signature with its key.',
    security: ['appSignature'],
    body: appAuthBody,
    refusals: [401, 403, 412],
  },
  'POST /v1/usg/acs/auth/account': {
    operationId: 'wireAccountLogin',
    summary: 'Log in with account and password.',
    security: ['account'],
    body: accountBody,
    refusals: [401, 403, 412, 423],
  },
  'PUT /v1/usg/acs/token': {
    operationId: 'wireRefreshToken',
    summary: 'Get a new pair of tokens for a login.',
    security: ['accessToken'],
    refusals: [401, 403],
  },
  'POST /v1/usg/acs/token/validate': {
    operationId: 'wireValidateToken',
    summary: 'Check a token, and get its user.',
    security: [],
    body: validateBody,
    refusals: [401, 403],
  },
  'POST /v2/usg/acs/token/validate': {
    operationId: 'wireValidateTokenV2',
    summary: 'Check a token, and get its user.',
    security: [],
    body: validateBody,
    refusals: [401, 403],
  },
  'DELETE /v1/usg/acs/token': {
    operationId: 'wireLogOut',
    summary: 'End a login.',
    security: ['accessToken'],
    refusals: [401],
  },
  'POST /v1/usg/dcs/member/verification-code': {
    operationId: 'wireSendCode',
    summary: 'Send a code to a contact.',
    security: ['accessToken'],
    body: verificationCodeBody,
    refusals: [401, 403],
  },
  'POST /v1/usg/dcs/member/verification-code/verify': {
    operationId: 'wireVerifyCode',
    summary: 'Check a code.',
    security: ['accessToken'],
    body: verificationCodeBody,
    refusals: [401, 403],
  },
  'PUT /v1/usg/dcs/member/contact': {
    operationId: 'wireUpdateContact',
    summary: 'Change a contact, by a code that was sent to the new one.',
    security: ['accessToken'],
    body: verificationCodeBody,
    refusals: [401, 403],
  },
  'POST /v1/usg/dcs/member/contact/undo': {
    operationId: 'wireAskToUndoContact',
    summary:
      'Send a code to a contact that was changed, to put it back. The answer is the same for any contact.',
    security: [],
    body: undoBody,
    refusals: [],
  },
  'POST /v1/usg/dcs/member/contact/undo/verify': {
    operationId: 'wireUndoContact',
    summary: 'Put a contact back, or stop a recovery, by the code that was sent to it.',
    security: [],
    body: undoBody,
    refusals: [],
  },
  'GET /v1/usg/dcs/member': {
    operationId: 'wireShowMember',
    summary: 'Show the data of the member who is logged in.',
    security: ['accessToken'],
    refusals: [401, 403],
  },
  'PUT /v1/usg/dcs/member': {
    operationId: 'wireUpdateMember',
    summary: 'Change the data of the member who is logged in.',
    security: ['accessToken'],
    body: memberBody,
    refusals: [401, 403],
  },
  ...passwordCalls,
  ...corpCalls,
}

export const wireSecuritySchemes = {
  accessToken: { type: 'apiKey', in: 'header', name: 'X-Access-Token', description: 'From a login.' },
  account: { type: 'http', scheme: 'basic', description: 'Account and password.' },
  appSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: '`HMAC-SHA256 signature=…`, see docs/wire.md.',
  },
} as const

const parameters: readonly Parameter[] = [
  {
    in: 'header',
    name: 'Accept-Language',
    schema: Type.String(),
    description: 'The language of messages: zh-CN or en-US.',
  },
  {
    in: 'header',
    name: 'X-Request-Id',
    schema: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    description: 'Names the request; a call that comes again with it after a lost answer succeeds again.',
  },
]

const primitives: Readonly<Record<JsonType, () => Schema>> = {
  String: Type.String,
  Integer: () => Type.Integer({ format: 'int32' }),
  Long: () => Type.Integer({ format: 'int64' }),
  Boolean: Type.Boolean,
}

const refusalSchema = Type.Object(propertiesOf(refusalFields, false), { title: 'WireRefusal' })

const headers = ['X-Request-Id']

const meanings: Readonly<Record<number, string>> = {
  400: 'A parameter, the contact or the code is not right, or a limit is reached.',
  401: 'The login is missing, wrong or has ended.',
  403: 'The app or the member may not make this call.',
  412: 'The member is disabled.',
  423: 'Too many wrong passwords.',
  500: 'The server has a fault, or the store is away.',
}

export function wireOperations(): Operation[] {
  return (Object.entries(calls) as [CallName, Described][]).map(([name, call]) => {
    const [method, path] = name.split(' ') as [string, string]
    const { operationId, summary, security, body, query, refusals } = call
    const title = `${operationId[0]!.toUpperCase()}${operationId.slice(1)}Answer`
    const fields: Fields | readonly [Fields] = answerFields[name]
    const answer = isList(fields) ? Type.Array(schemaOf(fields[0], `${title}Item`)) : schemaOf(fields, title)
    return {
      operationId,
      method,
      path,
      tag: wireTag,
      summary,
      security,
      parameters: [...inPath(path), ...inQuery(query), ...parameters],
      ...(body && { body: { schema: body, isRequired: true } }),
      responses: {
        200: { description: 'Done.', content: { 'application/json': [answer] }, headers },
        ...Object.fromEntries([400, ...refusals, 500].map((status) => [status, refusalOf(status)])),
      },
    }
  })
}

function inPath(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    in: 'path',
    name: name!,
    schema: Type.String(),
  }))
}

function inQuery(query: ObjectSchema | undefined): Parameter[] {
  return Object.entries(query?.properties ?? {}).map(([name, schema]) => ({ in: 'query', name, schema }))
}

function isList(fields: Fields | readonly [Fields]): fields is readonly [Fields] {
  return Array.isArray(fields)
}

function refusalOf(status: number): Response {
  return {
    description: meanings[status]!,
    content: { 'application/json': [refusalSchema] },
    headers: status === 400 || status === 423 || status === 500 ? [...headers, 'Retry-After'] : headers,
  }
}

function schemaOf(fields: Fields, title?: string): Schema {
  return Type.Object(propertiesOf(fields, true), title === undefined ? {} : { title })
}

function propertiesOf(fields: Fields, mayBeNull: boolean): Properties {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldOf(field, mayBeNull)]))
}

function fieldOf(field: Fields[string], mayBeNull: boolean): Schema {
  if (Array.isArray(field))
    return Type.Array(field[0] === 'String' ? Type.String() : schemaOf(field[0] as Fields))
  const schema = typeof field === 'string' ? primitives[field]() : schemaOf(field as Fields)
  return mayBeNull ? Type.Union([schema, Type.Null()]) : schema
}
