/** Departments and tenants in PostgreSQL: locked by a unit of work, written, and looked up. */

import type { Department } from '../../directory/department.ts'
import type { Tenant } from '../../directory/directory.ts'
import { storableJson } from '../storable.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { type DepartmentRow, departmentOf, type TenantRow, tenantOf } from './rows.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'

export type WantedDepartment = { readonly tenant: string; readonly code: string }

/**
 * Changes of departments lock their tenant first, in a statement of its own: the next statement sees what the change
 * before has added. Nobody who only refers to the tenant waits for it.
 */
const lockTenants = sql(`
  select to_json(t) from tenant t
  where t.id in (select json_array_elements_text($1::json)) order by t.id for no key update`)
/** All of the tenant, because a change may move some below others. Who adds a member to one holds it shared. */
const lockDepartments = sql(`
  select to_json(d) from department d
  where d.tenant in (select json_array_elements_text($1::json)) order by d.tenant, d.code for update`)
const shareDepartments = sql(`
  select to_json(d) from json_to_recordset($1::json) as w (tenant text, code text)
  join department d on d.tenant = w.tenant and d.code = w.code order by d.tenant, d.code for share of d`)
const selectOccupied = sql(`
  select json_build_object('tenant', w.tenant, 'code', w.code)
  from json_to_recordset($1::json) as w (tenant text, code text)
  where exists (select from member m where m.tenant = w.tenant and m.dept_code = w.code)`)

const upsertDepartments = sql(`
  insert into department (tenant, code, name, parent, note, in_permission, out_permission, designated_out, sort_level, path)
  select * from json_to_recordset($1::json) as r (tenant text, code text, name text, parent text, note text,
    in_permission text, out_permission text, designated_out json, sort_level integer, path text)
  on conflict (tenant, code) do update set name = excluded.name, parent = excluded.parent, note = excluded.note,
    in_permission = excluded.in_permission, out_permission = excluded.out_permission,
    designated_out = excluded.designated_out, sort_level = excluded.sort_level, path = excluded.path`)
const deleteDepartments = sql(`
  delete from department d using json_to_recordset($1::json) as r (tenant text, code text)
  where d.tenant = r.tenant and d.code = r.code`)
const updateTenants = sql(`
  update tenant t set name = r.name, account_app = r.account_app, address = r.address,
    auto_user_create = r.auto_user_create
  from json_to_recordset($1::json) as r (id text, name text, account_app text, address text, auto_user_create boolean)
  where t.id = r.id`)

/** The department with each of the codes, and all above it. */
export const departmentsOf = sql(`
  select to_json(d) from department d
  where d.tenant = $1 and d.code = any (array(
    select distinct unnest(string_to_array(one.path, '/'))
    from json_array_elements_text($2::json) as c (code)
    join department one on one.tenant = $1 and one.code = c.code))
  order by d.path`)
export const departmentsBelow = sql(`
  select to_json(d) from department d
  where d.tenant = $1 and d.parent = any (array(select json_array_elements_text($2::json)))
  order by d.sort_level, d.code`)
export const allDepartments = sql('select to_json(d) from department d where d.tenant = $1 order by d.path')

export const lockedTenants = (ids: Iterable<string>): Bound => bind(lockTenants, storableJson([...ids]))
export const lockedDepartments = (tenants: Iterable<string>): Bound =>
  bind(lockDepartments, storableJson([...tenants]))
export const sharedDepartments = (wanted: readonly WantedDepartment[]): Bound =>
  bindRows(shareDepartments, wanted)
export const occupiedDepartments = (wanted: readonly WantedDepartment[]): Bound =>
  bindRows(selectOccupied, wanted)

const nameOf = (tenant: string, code: string) => `${tenant}\0${code}`

/** @param occupied  Of those asked for, the departments with members. */
export function heldDepartments(
  tenantRows: readonly unknown[],
  rows: readonly unknown[],
  occupied: readonly unknown[],
) {
  const tenants = new Map((tenantRows as readonly TenantRow[]).map((row) => [row.id, tenantOf(row)]))
  const byName = new Map<string, Department>()
  for (const row of rows as readonly DepartmentRow[])
    byName.set(nameOf(row.tenant, row.code), departmentOf(row))
  const withMembers = new Set(
    (occupied as readonly WantedDepartment[]).map(({ tenant, code }) => nameOf(tenant, code)),
  )
  const changed = new Map<string, Department>()
  const removed = new Map<string, WantedDepartment>()
  const changedTenants = new Map<string, Tenant>()

  const departments: UnitOfWork['departments'] = {
    get: (tenant, code) => byName.get(nameOf(tenant, code)),
    all: (tenant) => [...byName.values()].filter((one) => one.tenant === tenant),
    put(department) {
      const name = nameOf(department.tenant, department.code)
      byName.set(name, department)
      changed.set(name, department)
    },
    remove(tenant, code) {
      const name = nameOf(tenant, code)
      byName.delete(name)
      changed.delete(name)
      removed.set(name, { tenant, code })
    },
  }
  return {
    departments,
    areIn: (tenant: string, code: string) => withMembers.has(nameOf(tenant, code)),
    tenants: {
      get: (id: string) => tenants.get(id),
      put(tenant: Tenant) {
        tenants.set(tenant.id, tenant)
        changedTenants.set(tenant.id, tenant)
      },
    },
    writes: (): Bound[] => [
      ...(changedTenants.size > 0
        ? [bindRows(updateTenants, [...changedTenants.values()].map(tenantRow))]
        : []),
      ...(removed.size > 0 ? [bindRows(deleteDepartments, [...removed.values()])] : []),
      ...(changed.size > 0 ? [bindRows(upsertDepartments, [...changed.values()].map(rowOf))] : []),
    ],
  }
}

function rowOf({
  inPermission,
  outPermission,
  designatedOutDeptCodes,
  sortLevel,
  ...same
}: Department): DepartmentRow {
  return {
    ...same,
    in_permission: inPermission,
    out_permission: outPermission,
    designated_out: designatedOutDeptCodes,
    sort_level: sortLevel,
  }
}

function tenantRow({ id, name, accountApp, address, autoUserCreate }: Tenant): TenantRow {
  return { id, name, account_app: accountApp, address, auto_user_create: autoUserCreate }
}
