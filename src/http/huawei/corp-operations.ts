/** The calls of members, administrators, enterprise, departments and apps as operations of the document. */

import type { ObjectSchema, Schema } from '../../json-schema.ts'
import type { corpAnswerFields } from './corp-answer-fields.ts'
import type { appAnswerFields } from './corp-app-answer-fields.ts'
import { changedAppBody, newAppBody } from './corp-app-parameters.ts'
import {
  accountsBody,
  accountTypeQuery,
  administratorBody,
  administratorsQuery,
  changedDepartmentBody,
  changedMemberBody,
  corpBody,
  departmentsQuery,
  directoryQuery,
  idsBody,
  idTypeQuery,
  invitationBody,
  membersQuery,
  newDepartmentBody,
  newMemberBody,
  pageQuery,
  recoveryBody,
} from './corp-parameters.ts'

const call = (
  operationId: string,
  summary: string,
  { body, query }: { readonly body?: Schema; readonly query?: ObjectSchema } = {},
) => ({
  operationId,
  summary,
  security: ['accessToken'],
  refusals: [401, 403],
  ...(body && { body }),
  ...(query && { query }),
})

type CallName = keyof typeof corpAnswerFields | keyof typeof appAnswerFields

export const corpCalls: Readonly<Record<CallName, ReturnType<typeof call>>> = {
  'POST /v1/usg/dcs/corp/member': call('wireAddUser', 'Add a member.', { body: newMemberBody }),
  'GET /v1/usg/dcs/corp/member': call('wireSearchUsers', 'Search members, in pages.', {
    query: membersQuery,
  }),
  'GET /v1/usg/dcs/corp/member/{account}': call('wireShowUser', 'Show a member.', {
    query: accountTypeQuery,
  }),
  'PUT /v1/usg/dcs/corp/member/{account}': call('wireUpdateUser', 'Change a member and its contacts.', {
    body: changedMemberBody,
    query: accountTypeQuery,
  }),
  'POST /v1/usg/dcs/corp/member/delete': call('wireDeleteUsers', 'Delete members, all or none.', {
    body: accountsBody,
    query: accountTypeQuery,
  }),
  'PUT /v1/usg/dcs/corp/member/status/{value}': call(
    'wireUpdateUserStatus',
    'Start or stop members, all or none.',
    {
      body: accountsBody,
      query: accountTypeQuery,
    },
  ),
  'POST /v1/usg/dcs/corp/member/add': call('wireInviteUser', 'Add a member by one contact.', {
    body: invitationBody,
  }),
  'POST /v1/usg/dcs/member/contact/recovery': call(
    'wireStartRecovery',
    'Start a recovery: a member gets a new contact after a wait, unless one of its contacts stops it.',
    { body: recoveryBody, query: accountTypeQuery },
  ),
  'POST /v1/usg/dcs/member/contact/recovery/cancel': call('wireCancelRecovery', 'Cancel a recovery.', {
    body: administratorBody,
    query: accountTypeQuery,
  }),
  'POST /v1/usg/abs/users/list': call('wireListUsers', 'Show members by their ids.', {
    body: idsBody,
    query: idTypeQuery,
  }),
  'GET /v1/usg/abs/users': call('wireSearchDirectory', 'Search the directory, in pages.', {
    query: directoryQuery,
  }),
  'POST /v1/usg/dcs/corp/admin': call('wireAddAdmin', 'Make a member an administrator.', {
    body: administratorBody,
    query: accountTypeQuery,
  }),
  'GET /v1/usg/dcs/corp/admin': call('wireSearchAdmins', 'Search administrators, in pages.', {
    query: administratorsQuery,
  }),
  'GET /v1/usg/dcs/corp/admin/{account}': call('wireShowAdmin', 'Show an administrator.', {
    query: accountTypeQuery,
  }),
  'POST /v1/usg/dcs/corp/admin/delete': call(
    'wireDeleteAdmins',
    'Make administrators members, all or none.',
    {
      body: accountsBody,
      query: accountTypeQuery,
    },
  ),
  'GET /v1/usg/dcs/corp': call('wireShowCorp', 'Show the enterprise.'),
  'PUT /v1/usg/dcs/corp': call('wireUpdateCorp', 'Change the enterprise.', { body: corpBody }),
  'POST /v1/usg/dcs/corp/dept': call('wireAddDepartment', 'Add a department.', { body: newDepartmentBody }),
  'PUT /v1/usg/dcs/corp/dept/{dept_code}': call('wireUpdateDepartment', 'Change a department.', {
    body: changedDepartmentBody,
  }),
  'DELETE /v1/usg/dcs/corp/dept/{dept_code}': call('wireDeleteDepartment', 'Delete an empty department.'),
  'GET /v1/usg/dcs/member/dept': call('wireFindDepartments', 'Find departments by a part of their names.', {
    query: departmentsQuery,
  }),
  'GET /v1/usg/dcs/member/dept/{dept_code}': call('wireShowDepartment', 'Show a department and those below.'),
  'GET /v1/usg/abs/departments/{dept_code}': call(
    'wireShowPublicDepartment',
    'Show the names of a department and those below.',
  ),
  'POST /v2/usg/acs/corp/app': call('wireCreateApp', 'Make an app, with its key.', { body: newAppBody }),
  'GET /v2/usg/acs/corp/apps': call('wireListApps', 'List the apps of the enterprise, in pages.', {
    query: pageQuery,
  }),
  'PUT /v2/usg/acs/corp/app/{app_id}': call('wireChangeApp', 'Change an app, stop it or start it.', {
    body: changedAppBody,
  }),
  'PUT /v2/usg/acs/corp/app/{app_id}/reset': call('wireResetAppKey', 'Give an app a new key.'),
  'DELETE /v2/usg/acs/corp/app/{app_id}': call('wireDeleteApp', 'Delete an app.'),
}
