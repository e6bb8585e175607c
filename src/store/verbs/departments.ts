/** Changes of a tenant's departments and of the tenant itself. Those of one tenant are decided one after the other. */

import {
  codesOfPath,
  type Department,
  type DepartmentChange,
  isWithin,
  pathIn,
  rootDepartment,
  rootOf,
} from '../../directory/department.ts'
import type { Tenant } from '../../directory/directory.ts'
import type { DepartmentResult, NewDepartment } from '../administration.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'

/** Below the root. A path is in an index, whose entries have a bound. */
const maxLevels = 20

type Refusal = Extract<DepartmentResult, { kind: 'refused' }>['reason']

const refused = (reason: Refusal): DepartmentResult => ({ kind: 'refused', reason })

export const addDepartment: Verb<[NewDepartment], DepartmentResult> = {
  needs: (needs, { tenant }) => needs.departments(tenant),

  decide(unit, added) {
    const { tenant, code } = added
    if (code === rootDepartment || unit.departments.get(tenant, code)) return refused('taken')
    const parent = departmentIn(unit, tenant, added.parent)
    if (!parent) return refused('no-parent')
    const department = { ...added, path: pathIn(parent.path, code) }
    if (isDeep(department.path)) return refused('deep')
    unit.departments.put(department)
    return { kind: 'done', department }
  },
}

export const updateDepartment: Verb<[string, string, DepartmentChange], DepartmentResult> = {
  needs: (needs, tenant) => needs.departments(tenant),

  decide(unit, tenant, code, { parent: parentCode, ...change }) {
    const department = departmentIn(unit, tenant, code)
    if (!department) return refused('unknown')
    const changed = { ...department, ...change }
    if (parentCode === undefined || parentCode === department.parent) {
      unit.departments.put(changed)
      return { kind: 'done', department: changed }
    }
    if (code === rootDepartment || parentCode === null) return refused('root')
    const parent = departmentIn(unit, tenant, parentCode)
    if (!parent) return refused('no-parent')
    if (isWithin(parent, department)) return refused('within-itself')
    const path = pathIn(parent.path, code)
    const moved = unit.departments
      .all(tenant)
      .filter((one) => isWithin(one, department))
      .map((one) => ({ ...one, path: path + one.path.slice(department.path.length) }))
    if (moved.some((one) => isDeep(one.path))) return refused('deep')
    for (const one of moved)
      unit.departments.put(one.code === code ? { ...one, ...change, parent: parentCode } : one)
    return { kind: 'done', department: { ...changed, parent: parentCode, path } }
  },
}

export const deleteDepartment: Verb<[string, string], DepartmentResult> = {
  needs(needs, tenant, code) {
    needs.departments(tenant)
    needs.membersIn(tenant, code)
  },

  decide(unit, tenant, code) {
    const department = departmentIn(unit, tenant, code)
    if (!department) return refused('unknown')
    if (code === rootDepartment) return refused('root')
    if (unit.departments.all(tenant).some(({ parent }) => parent === code)) return refused('has-children')
    if (unit.members.areIn(tenant, code)) return refused('has-members')
    unit.departments.remove(tenant, code)
    return { kind: 'done', department }
  },
}

export const updateTenant: Verb<
  [string, Partial<Pick<Tenant, 'address' | 'autoUserCreate'>>],
  Tenant | undefined
> = {
  needs: (needs, id) => needs.tenant(id),

  decide(unit, id, change) {
    const tenant = unit.tenants.get(id)
    if (!tenant) return undefined
    const next = { ...tenant, ...change }
    unit.tenants.put(next)
    return next
  },
}

function departmentIn(unit: UnitOfWork, tenant: string, code: string): Department | undefined {
  const found = unit.departments.get(tenant, code)
  if (found || code !== rootDepartment) return found
  const of = unit.tenants.get(tenant)
  return of && rootOf(of)
}

function isDeep(path: string): boolean {
  return codesOfPath(path).length - 1 > maxLevels
}
