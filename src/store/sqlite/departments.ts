/** Departments and tenants in SQLite: the changes of units of work, and look-ups. */

import type { DatabaseSync } from 'node:sqlite'
import { codesOfPath, type Department } from '../../directory/department.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { departmentOf, type Row, tenantOf } from './rows.ts'

export function openDepartments(db: DatabaseSync): UnitOfWork['departments'] {
  const select = db.prepare('select * from department where tenant = ? and code = ?')
  const selectAll = db.prepare('select * from department where tenant = ? order by path')
  const upsert = db.prepare(
    `insert into department (tenant, code, name, parent, note, in_permission, out_permission, designated_out, sort_level,
       path)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (tenant, code) do update set name = excluded.name, parent = excluded.parent, note = excluded.note,
       in_permission = excluded.in_permission, out_permission = excluded.out_permission,
       designated_out = excluded.designated_out, sort_level = excluded.sort_level, path = excluded.path`,
  )
  const remove = db.prepare('delete from department where tenant = ? and code = ?')
  return {
    get(tenant, code) {
      const row = select.get(tenant, code) as Row | undefined
      return row && departmentOf(row)
    },
    all: (tenant) => (selectAll.all(tenant) as Row[]).map(departmentOf),
    put({ tenant, code, name, parent, note, path, ...one }) {
      const designated = JSON.stringify(one.designatedOutDeptCodes)
      const { inPermission, outPermission, sortLevel } = one
      upsert.run(tenant, code, name, parent, note, inPermission, outPermission, designated, sortLevel, path)
    },
    remove: (tenant, code) => void remove.run(tenant, code),
  }
}

export function openTenants(db: DatabaseSync): UnitOfWork['tenants'] {
  const select = db.prepare('select * from tenant where id = ?')
  const update = db.prepare(
    'update tenant set name = ?, account_app = ?, address = ?, auto_user_create = ? where id = ?',
  )
  return {
    get(id) {
      const row = select.get(id) as Row | undefined
      return row && tenantOf(row)
    },
    put: ({ id, name, accountApp, address, autoUserCreate }) =>
      void update.run(name, accountApp, address, Number(autoUserCreate), id),
  }
}

/** See `Directory`. */
export function departmentReads(db: DatabaseSync) {
  const ofCodes = db.prepare(
    `select d.* from json_each(?2) c join department d on d.tenant = ?1 and d.code = c.value order by d.path`,
  )
  const below = db.prepare(
    `select d.* from json_each(?2) c join department d on d.tenant = ?1 and d.parent = c.value
     order by d.sort_level, d.code`,
  )
  const all = db.prepare('select * from department where tenant = ? order by path')
  const of = (codes: readonly string[], tenant: string): Department[] =>
    (ofCodes.all(tenant, JSON.stringify([...new Set(codes)])) as Row[]).map(departmentOf)
  return {
    departments: (tenant: string, codes: readonly string[]): Department[] =>
      of(
        of(codes, tenant).flatMap(({ path }) => codesOfPath(path)),
        tenant,
      ),
    departmentsBelow: (tenant: string, parents: readonly string[]): Department[] =>
      (below.all(tenant, JSON.stringify([...new Set(parents)])) as Row[]).map(departmentOf),
    allDepartments: (tenant: string): Department[] => (all.all(tenant) as Row[]).map(departmentOf),
  }
}
