/**
 * The fields of the answers of apps, the one group in snake case. Sources: the models of services/meeting/v1 in
 * huaweicloud-sdk-java-v3 (AddAppIdResponse, ResetAppKeyResponse, UpdateAppIdResponse, BatchSearchAppIdResponse,
 * AppIdInfoDTO), with which those for Go, Node and Python agree. The key may be missing there in each; the reference's
 * sample answers have it where a key was made or reset, and not where an app was changed (UpdateAppId).
 */

import { type Fields, pageOf } from './member-fields.ts'

export const appFields = {
  app_id: 'String',
  app_name: 'String',
  description: 'String',
  status: 'Integer',
  create_time: 'String',
  last_update_time: 'String',
} as const satisfies Fields

export const keyedAppFields = { ...appFields, app_key: 'String' } as const satisfies Fields

export const appPageFields = pageOf(appFields)

export const appAnswerFields = {
  'POST /v2/usg/acs/corp/app': keyedAppFields,
  'GET /v2/usg/acs/corp/apps': appPageFields,
  'PUT /v2/usg/acs/corp/app/{app_id}': appFields,
  'PUT /v2/usg/acs/corp/app/{app_id}/reset': keyedAppFields,
  'DELETE /v2/usg/acs/corp/app/{app_id}': {},
} as const satisfies Readonly<Record<string, Fields>>
