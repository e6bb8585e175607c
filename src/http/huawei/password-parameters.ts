/** The parameters of the calls of passwords as schemas. */

import { type Static, Type } from '../../json-schema.ts'
import { optional, text } from './parameters.ts'

/** As long as anyone may have typed it: one that is too long is refused as weak, or as wrong. */
const password = text(1, 128)

export const changedPasswordBody = Type.Object({
  account: text(1, 255),
  oldPwd: password,
  newPwd: password,
})
export const resetAccountBody = Type.Object({ account: text(1, 255) })

/** An account, a number or a mailbox. */
const user = text(1, 255)
const clientType = optional(Type.Integer({ minimum: 0, maximum: 255 }))
/** 0: to log in · 1: for a forgotten password. */
const checkType = optional(Type.Integer({ minimum: 0, maximum: 1 }))
const token = optional(Type.String({ maxLength: 64 }))

export const puzzleBody = Type.Object({ user, clientType, checkType })
export const solutionBody = Type.Object({
  user,
  clientType,
  checkType,
  token,
  pointX: Type.Integer({ minimum: -1000, maximum: 1000 }),
  slideTime: Type.Integer({ minimum: 0, maximum: 1e9 }),
})
export const resetCodeBody = Type.Object({
  user,
  token,
  sendMethod: optional(Type.Union([Type.Literal('sms'), Type.Literal('email'), Type.Literal('')])),
})
export const enteredCodeBody = Type.Object({ user, code: text(1, 32) })
/** `passWordType` 1: it must be changed at the next login. */
export const newPasswordBody = Type.Object({
  user,
  newPwd: password,
  passWordType: optional(Type.Integer({ minimum: 0, maximum: 1 })),
})

export type PuzzleBody = Static<typeof puzzleBody>
export type SolutionBody = Static<typeof solutionBody>
export type ResetCodeBody = Static<typeof resetCodeBody>
export type EnteredCodeBody = Static<typeof enteredCodeBody>
export type NewPasswordBody = Static<typeof newPasswordBody>
export type ChangedPasswordBody = Static<typeof changedPasswordBody>
export type AccountOfPassword = Static<typeof resetAccountBody>
