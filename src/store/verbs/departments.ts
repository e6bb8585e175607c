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
import type { NewAuditEntry } from '../audit.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'

/** Below the root. A path is in an index, whose entries have a bound. */
const maxLevels = 20

type Refusal = Extract<DepartmentResult, { kind: 'refused' }>['reason']

const refused = (reason: Refusal): DepartmentResult => ({ kind: 'refused', reason })

type Audited = NewAuditEntry | undefined

export const addDepartment: Verb<[NewDepartment, Audited?], DepartmentResult> = {
  needs(needs, { tenant }, audit) {
    needs.departments(tenant)
    needs.audit(audit)
  },

  decide(unit, added, audit) {
    const { tenant, code } = added
    if (code === rootDepartment || unit.departments.get(tenant, code)) return refused('taken')
    const parent = departmentIn(unit, tenant, added.parent)
    if (!parent) return refused('no-parent')
    const department = { ...added, path: pathIn(parent.path, code) }
    if (isDeep(department.path)) return refused('deep')
    unit.departments.put(department)
    unit.audit.add(audit)
    return { kind: 'done', department }
  },
}

export const updateDepartment: Verb<[string, string, DepartmentChange, Audited?], DepartmentResult> = {
  needs(needs, tenant, _code, _change, audit) {
    needs.departments(tenant)
    needs.audit(audit)
  },

  decide(unit, tenant, code, { parent: parentCode, ...change }, audit) {
    const department = departmentIn(unit, tenant, code)
    if (!department) return refused('unknown')
    const changed = { ...department, ...change }
    if (parentCode === undefined || parentCode === department.parent) {
      unit.departments.put(changed)
      unit.audit.add(audit)
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
    unit.audit.add(audit)
    return { kind: 'done', department: { ...changed, parent: parentCode, path } }
  },
}

export const deleteDepartment: Verb<[string, string, Audited?], DepartmentResult> = {
  needs(needs, tenant, code, audit) {
    needs.audit(audit)
    needs.departments(tenant)
    needs.membersIn(tenant, code)
  },

  decide(unit, tenant, code, audit) {
    const department = departmentIn(unit, tenant, code)
    if (!department) return refused('unknown')
    if (code === rootDepartment) return refused('root')
    if (unit.departments.all(tenant).some(({ parent }) => parent === code)) return refused('has-children')
    if (unit.members.areIn(tenant, code)) return refused('has-members')
    unit.departments.remove(tenant, code)
    unit.audit.add(audit)
    return { kind: 'done', department }
  },
}

export const updateTenant: Verb<
  [string, Partial<Pick<Tenant, 'address' | 'autoUserCreate'>>, Audited?],
  Tenant | undefined
> = {
  needs(needs, id, _change, audit) {
    needs.tenant(id)
    needs.audit(audit)
  },

  decide(unit, id, change, audit) {
    const tenant = unit.tenants.get(id)
    if (!tenant) return undefined
    const next = { ...tenant, ...change }
    unit.tenants.put(next)
    unit.audit.add(audit)
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
