/**
 * Every field of every answer of the dialect with its documented JSON type. The compiler checks the built answers against
 * these tables, and test/answer-fields.test.ts those that are sent: a missing field, another one or another type breaks the
 * SDKs of typed languages on every call.
 *
 * Sources: the models of services/meeting/v1 in huaweicloud-sdk-java-v3 (CheckTokenResponse, UserInfo, ProxyTokenDTO,
 * ShowMyInfoResponse and what they hold), with which those of the SDKs for Go, Node and Python agree.
 */

import { corpAnswerFields } from './corp-answer-fields.ts'
import { appAnswerFields } from './corp-app-answer-fields.ts'
import { type Fields, memberFields } from './member-fields.ts'
import { passwordAnswerFields } from './password-answer-fields.ts'

const proxyTokenFields = {
  accessToken: 'String',
  longAccessToken: 'String',
  validPeriod: 'Long',
  middleEndUrl: 'String',
  middleEndInnerUrl: 'String',
  enableRerouting: 'Boolean',
} as const satisfies Fields

export const userFields = {
  userId: 'String',
  ucloginAccount: 'String',
  serviceAccount: 'String',
  numberHA1: 'String',
  alias1: 'String',
  companyId: 'String',
  spId: 'String',
  companyDomain: 'String',
  realm: 'String',
  userType: 'Integer',
  adminType: 'Integer',
  name: 'String',
  nameEn: 'String',
  isBindPhone: 'Boolean',
  freeUser: 'Boolean',
  thirdAccount: 'String',
  visionAccount: 'String',
  headPictureUrl: 'String',
  password: 'String',
  status: 'Integer',
  paidAccount: 'String',
  paidPassword: 'String',
  weLinkUser: 'Boolean',
  appId: 'String',
  tr069Account: 'String',
  corpType: 'Integer',
  cloudUserId: 'String',
  grayUser: 'Boolean',
} as const satisfies Fields

export const tokenFields = {
  accessToken: 'String',
  tokenIp: 'String',
  validPeriod: 'Long',
  expireTime: 'Long',
  createTime: 'Long',
  user: userFields,
  clientType: 'Integer',
  forceLoginInd: 'Integer',
  firstLogin: 'Boolean',
  pwdExpired: 'Boolean',
  daysPwdAvailable: 'Integer',
  proxyToken: proxyTokenFields,
  delayDelete: 'Boolean',
  tokenType: 'Integer',
  refreshToken: 'String',
  refreshValidPeriod: 'Long',
  refreshExpireTime: 'Long',
  refreshCreateTime: 'Long',
} as const satisfies Fields

/** The fields of every refusal. None is ever null, because the SDK for Java reads `request_id` unchecked. */
export const refusalFields = {
  error_code: 'String',
  error_msg: 'String',
  request_id: 'String',
} as const satisfies Fields

const nothing = {} as const

/** The fields of each call's answer with 200. */
export const answerFields = {
  'POST /v2/usg/acs/auth/appauth': tokenFields,
  'POST /v1/usg/acs/auth/account': tokenFields,
  'PUT /v1/usg/acs/token': tokenFields,
  'POST /v1/usg/acs/token/validate': tokenFields,
  'POST /v2/usg/acs/token/validate': tokenFields,
  'DELETE /v1/usg/acs/token': nothing,
  'POST /v1/usg/dcs/member/verification-code': nothing,
  'POST /v1/usg/dcs/member/verification-code/verify': nothing,
  'PUT /v1/usg/dcs/member/contact': nothing,
  'POST /v1/usg/dcs/member/contact/undo': nothing,
  'POST /v1/usg/dcs/member/contact/undo/verify': nothing,
  'GET /v1/usg/dcs/member': memberFields,
  'PUT /v1/usg/dcs/member': nothing,
  ...passwordAnswerFields,
  ...corpAnswerFields,
  ...appAnswerFields,
} as const satisfies Readonly<Record<string, Fields | readonly [Fields]>>
