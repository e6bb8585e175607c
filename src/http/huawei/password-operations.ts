/** The calls of passwords as operations of the document. */

import type { Schema } from '../../json-schema.ts'
import type { passwordAnswerFields } from './password-answer-fields.ts'
import {
  changedPasswordBody,
  enteredCodeBody,
  newPasswordBody,
  puzzleBody,
  resetAccountBody,
  resetCodeBody,
  solutionBody,
} from './password-parameters.ts'

const call = (
  operationId: string,
  summary: string,
  body: Schema,
  security: readonly string[] = [],
  refusals: readonly number[] = [],
) => ({ operationId, summary, body, security, refusals })

export const passwordCalls: Readonly<Record<keyof typeof passwordAnswerFields, ReturnType<typeof call>>> = {
  'POST /v1/usg/acs/auth/slideverifycode/send': call('wireSendPuzzle', 'Get a slide puzzle.', puzzleBody),
  'PUT /v1/usg/acs/auth/slideverifycode/check': call(
    'wireCheckPuzzle',
    'Solve a slide puzzle.',
    solutionBody,
  ),
  'POST /v1/usg/acs/verifycode/send': call(
    'wireSendResetCode',
    'Send a code for a forgotten password.',
    resetCodeBody,
  ),
  'PUT /v1/usg/acs/verifycode/check': call(
    'wireCheckResetCode',
    'Check a code for a forgotten password.',
    enteredCodeBody,
  ),
  'PUT /v1/usg/acs/password/reset': call(
    'wireSetForgottenPassword',
    'Set a new password, by the token of a right code.',
    newPasswordBody,
    ['accessToken'],
    [401],
  ),
  'PUT /v1/usg/acs/password': call(
    'wireChangePassword',
    'Change the own password; all logins end.',
    changedPasswordBody,
    ['accessToken'],
    [401, 403, 423],
  ),
  'PUT /v1/usg/acs/password/admin/reset': call(
    'wireResetPassword',
    'Send a member a temporary password; all its logins end.',
    resetAccountBody,
    ['accessToken'],
    [401, 403],
  ),
}
