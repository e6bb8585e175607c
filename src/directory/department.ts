/** Departments of a tenant: a tree, kept so that a subtree is one range of paths. */

import type { Tenant } from './directory.ts'

/** The code of the whole enterprise. Every tenant has it, also without a record. */
export const rootDepartment = '1'

export type Department = {
  readonly tenant: string
  /** Unique within the tenant. */
  readonly code: string
  readonly name: string
  /** null: only the root has none. */
  readonly parent: string | null
  readonly note: string
  /** Who may see the department and what it sees: stored and shown, they rule nothing here. */
  readonly inPermission: string
  readonly outPermission: string
  readonly designatedOutDeptCodes: readonly string[]
  /** 1 to 10000: the place among its siblings, the lowest first. */
  readonly sortLevel: number
  /** The codes from the root, as in `/1/sales/asia/`. Those of a subtree begin with that of its root. */
  readonly path: string
}

export type DepartmentChange = Partial<Omit<Department, 'tenant' | 'code' | 'path'>>

export const departmentDefaults = {
  note: '',
  inPermission: 'UNLIMITED',
  outPermission: 'UNLIMITED',
  designatedOutDeptCodes: [],
  sortLevel: 10_000,
} as const

/** The form of a code: a path joins codes by slashes. */
export const departmentCode = '^[^/\\u0000-\\u001f\\u007f]{1,32}$'

/** The root as it is without a record. */
export function rootOf({ id, name }: Pick<Tenant, 'id' | 'name'>): Department {
  return {
    tenant: id,
    code: rootDepartment,
    name,
    parent: null,
    ...departmentDefaults,
    path: pathIn('', rootDepartment),
  }
}

export function pathIn(parentPath: string, code: string): string {
  return `${parentPath || '/'}${code}/`
}

/** Whether the department is the other one or below it. */
export function isWithin({ path }: Department, other: Department): boolean {
  return path.startsWith(other.path)
}

/** The codes from the root, also its own. */
export function codesOfPath(path: string): readonly string[] {
  return path.split('/').slice(1, -1)
}
