/** The types of documented fields, and the fields that several answers have: pages, a member, its enterprise. */

export type JsonType = 'String' | 'Integer' | 'Long' | 'Boolean'

/** A field is a value, an object, or an array of objects or texts. */
export type Fields = { readonly [name: string]: JsonType | Fields | readonly [Fields] | readonly ['String'] }

/** An answer of these fields, all of them. Any may be null. */
export type AnswerOf<F> = { readonly [Name in keyof F]: ValueOf<F[Name]> }

type ValueOf<T> = T extends 'String'
  ? string | null
  : T extends 'Integer' | 'Long'
    ? number | null
    : T extends 'Boolean'
      ? boolean | null
      : T extends readonly ['String']
        ? readonly string[]
        : T extends readonly [infer Each]
          ? readonly AnswerOf<Each>[]
          : AnswerOf<T> | null

/** The fields of a page of these. */
export const pageOf = <const F extends Fields>(fields: F) =>
  ({ offset: 'Integer', limit: 'Integer', count: 'Integer', data: [fields] }) as const

const vmrFields = {
  id: 'String',
  vmrId: 'String',
  vmrName: 'String',
  vmrMode: 'Integer',
  vmrPkgId: 'String',
  vmrPkgName: 'String',
  vmrPkgParties: 'Integer',
  vmrPkgLength: 'Integer',
  status: 'Integer',
} as const satisfies Fields

export const corpFields = {
  id: 'String',
  name: 'String',
  address: 'String',
  adminName: 'String',
  account: 'String',
  phone: 'String',
  country: 'String',
  email: 'String',
  enableSMS: 'Boolean',
  enableCloudDisk: 'Boolean',
  enablePstn: 'Boolean',
  autoUserCreate: 'Boolean',
  corpType: 'Integer',
} as const satisfies Fields

export const memberFields = {
  id: 'String',
  userAccount: 'String',
  name: 'String',
  englishName: 'String',
  phone: 'String',
  country: 'String',
  email: 'String',
  sipNum: 'String',
  vmrList: [vmrFields],
  deptCode: 'String',
  deptName: 'String',
  deptNamePath: 'String',
  userType: 'Integer',
  adminType: 'Integer',
  signature: 'String',
  title: 'String',
  desc: 'String',
  corp: corpFields,
  function: { enableRoom: 'Boolean' },
  devType: { model: 'String', deviceSize: 'String', purchaseChannel: 'String' },
  status: 'Integer',
  sortLevel: 'Integer',
  hidePhone: 'Boolean',
  visionAccount: 'String',
  thirdAccount: 'String',
  license: 'Integer',
  activeTime: 'Long',
} as const satisfies Fields
