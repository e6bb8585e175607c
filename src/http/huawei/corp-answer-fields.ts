/**
 * The fields of the answers of members, administrators, enterprise and departments. Sources: the models of
 * services/meeting/v1 in huaweicloud-sdk-java-v3 (AddUserResponse, SearchUserResultDTO, UserDTO, QueryCorpAdminResultDTO,
 * DeptBasicDTO, ShowCorpBasicInfoResponse, ShowDeptAndChildDeptResponse, QueryDeptResultDTO, IdMarkDTO,
 * ShowDepartmentResponse, ChildDeptDTO); designated departments have an id and a mark there, which is the name.
 */

import { corpFields, type Fields, memberFields, pageOf } from './member-fields.ts'

export const foundMemberFields = {
  id: 'String',
  userAccount: 'String',
  name: 'String',
  englishName: 'String',
  phone: 'String',
  country: 'String',
  email: 'String',
  vmrId: 'String',
  deptCode: 'String',
  deptName: 'String',
  deptNamePath: 'String',
  userType: 'Integer',
  adminType: 'Integer',
  signature: 'String',
  title: 'String',
  desc: 'String',
  status: 'Integer',
  sortLevel: 'Integer',
  hidePhone: 'Boolean',
  thirdAccount: 'String',
  visionAccount: 'String',
  license: 'Integer',
  activeTime: 'Long',
  activeCodeExpireTime: 'Long',
  expireTime: 'Long',
  activeCode: 'String',
} as const satisfies Fields

export const directoryFields = {
  id: 'String',
  statusCode: 'Integer',
  account: 'String',
  name: 'String',
  englishName: 'String',
  email: 'String',
  phone: 'String',
  deptName: 'String',
  number: 'String',
  updateTime: 'Long',
  isHardTerminal: 'Boolean',
  vmrId: 'String',
  signature: 'String',
  title: 'String',
  description: 'String',
  hidePhone: 'Boolean',
  type: 'String',
  deptCodes: ['String'],
} as const satisfies Fields

export const administratorFields = {
  id: 'String',
  account: 'String',
  name: 'String',
  adminType: 'Integer',
  email: 'String',
  phone: 'String',
  country: 'String',
  dept: {
    deptCode: 'String',
    corpId: 'String',
    deptName: 'String',
    deptNamePath: 'String',
    parentDeptCode: 'String',
  },
} as const satisfies Fields

export const foundDepartmentFields = {
  corpId: 'String',
  deptCode: 'String',
  deptLevel: 'Integer',
  deptName: 'String',
  deptNamePath: 'String',
  isLeafNode: 'Boolean',
  parentDeptCode: 'String',
  deptCodePath: 'String',
  note: 'String',
  inPermission: 'String',
  outPermission: 'String',
  designatedOutDeptCodes: [{ id: 'String', mark: 'String' }],
  sortLevel: 'Integer',
} as const satisfies Fields

export const departmentFields = {
  ...foundDepartmentFields,
  childDepts: [foundDepartmentFields],
} as const satisfies Fields

export const publicDepartmentFields = {
  deptCode: 'String',
  deptName: 'String',
  isLeafNodes: 'Boolean',
  childDepts: [{ deptCode: 'String', deptName: 'String', isLeafNodes: 'Boolean' }],
} as const satisfies Fields

const nothing = {} as const

export const corpAnswerFields = {
  'POST /v1/usg/dcs/corp/member': memberFields,
  'GET /v1/usg/dcs/corp/member': pageOf(foundMemberFields),
  'GET /v1/usg/dcs/corp/member/{account}': memberFields,
  'PUT /v1/usg/dcs/corp/member/{account}': memberFields,
  'POST /v1/usg/dcs/corp/member/delete': nothing,
  'PUT /v1/usg/dcs/corp/member/status/{value}': nothing,
  'POST /v1/usg/dcs/corp/member/add': { userExist: 'Boolean' },
  'POST /v1/usg/dcs/member/contact/recovery': { effectiveTime: 'Long' },
  'POST /v1/usg/dcs/member/contact/recovery/cancel': nothing,
  'POST /v1/usg/abs/users/list': [directoryFields],
  'GET /v1/usg/abs/users': pageOf(directoryFields),
  'POST /v1/usg/dcs/corp/admin': nothing,
  'GET /v1/usg/dcs/corp/admin': pageOf(administratorFields),
  'GET /v1/usg/dcs/corp/admin/{account}': administratorFields,
  'POST /v1/usg/dcs/corp/admin/delete': nothing,
  'GET /v1/usg/dcs/corp': corpFields,
  'PUT /v1/usg/dcs/corp': nothing,
  'POST /v1/usg/dcs/corp/dept': { value: 'String' },
  'PUT /v1/usg/dcs/corp/dept/{dept_code}': nothing,
  'DELETE /v1/usg/dcs/corp/dept/{dept_code}': nothing,
  'GET /v1/usg/dcs/member/dept': [foundDepartmentFields],
  'GET /v1/usg/dcs/member/dept/{dept_code}': departmentFields,
  'GET /v1/usg/abs/departments/{dept_code}': publicDepartmentFields,
} as const satisfies Readonly<Record<string, Fields | readonly [Fields]>>
