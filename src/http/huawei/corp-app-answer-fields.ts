/** The fields of the answers of apps, the one group in snake case. */

import { type Fields, pageOf } from './member-fields.ts'

export const listedAppFields = {
  app_id: 'String',
  app_name: 'String',
  description: 'String',
  status: 'Integer',
  create_time: 'String',
  last_update_time: 'String',
} as const satisfies Fields

export const appFields = { ...listedAppFields, app_key: 'String' } as const satisfies Fields

export const appPageFields = pageOf(listedAppFields)

export const appAnswerFields = {
  'POST /v2/usg/acs/corp/app': appFields,
  'GET /v2/usg/acs/corp/apps': appPageFields,
  'PUT /v2/usg/acs/corp/app/{app_id}': appFields,
  'PUT /v2/usg/acs/corp/app/{app_id}/reset': appFields,
  'DELETE /v2/usg/acs/corp/app/{app_id}': {},
} as const satisfies Readonly<Record<string, Fields>>
