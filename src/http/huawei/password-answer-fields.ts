/**
 * The fields of the answers of passwords. Sources: SendSlideVerifyCodeResponse, CheckSlideVerifyCodeResponse,
 * SendVeriCodeForChangePwdResponse and CheckVerifyCodeResponse in services/meeting/v1 of the official SDKs.
 */

import type { Fields } from './member-fields.ts'

const step = { token: 'String', expire: 'Integer' } as const satisfies Fields
const nothing = {} as const

export const passwordAnswerFields = {
  'POST /v1/usg/acs/auth/slideverifycode/send': {
    shadowImage: 'String',
    cutImage: 'String',
    pointY: 'Integer',
    ...step,
  },
  'PUT /v1/usg/acs/auth/slideverifycode/check': step,
  'POST /v1/usg/acs/verifycode/send': { expire: 'Integer', bindPhone: 'String', bindEmail: 'String' },
  'PUT /v1/usg/acs/verifycode/check': step,
  'PUT /v1/usg/acs/password/reset': nothing,
  'PUT /v1/usg/acs/password': nothing,
  'PUT /v1/usg/acs/password/admin/reset': nothing,
} as const satisfies Readonly<Record<string, Fields>>
