/** Departments with what faces show of them: the names above, and whether anything is below. */

import { codesOfPath, type Department, rootDepartment, rootOf } from '../directory/department.ts'
import type { Tenant } from '../directory/directory.ts'
import type { Services } from './services.ts'

export { codesOfPath, departmentCode, rootDepartment } from '../directory/department.ts'

export type { DepartmentResult } from '../store/administration.ts'

export type ShownDepartment = {
  readonly department: Department
  /** From the root to its own. */
  readonly names: readonly string[]
  readonly isLeaf: boolean
}

/** @returns Those of the codes that exist, by their codes. */
export async function departmentsNamed(
  { store: { directory } }: Services,
  tenant: Tenant,
  codes: readonly string[],
): Promise<ReadonlyMap<string, ShownDepartment>> {
  const wanted = [...new Set(codes)]
  const known = new Map<string, Department>([[rootDepartment, rootOf(tenant)]])
  for (const one of await directory.departments(tenant.id, wanted)) known.set(one.code, one)
  const parents = new Set((await directory.departmentsBelow(tenant.id, wanted)).map(({ parent }) => parent))
  return new Map(
    wanted.flatMap((code) => {
      const department = known.get(code)
      if (!department) return []
      const names = codesOfPath(department.path).map((above) => known.get(above)?.name ?? above)
      return [[code, { department, names, isLeaf: !parents.has(code) }] as const]
    }),
  )
}
