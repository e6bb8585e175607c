/** Holds answers to the table of their fields. */

import assert from 'node:assert/strict'
import type { Fields } from '../src/http/huawei/member-fields.ts'

export function holds(value: Record<string, unknown>, fields: Fields, where: string): void {
  assert.deepEqual(Object.keys(value).sort(), Object.keys(fields).sort(), where)
  for (const [name, type] of Object.entries(fields)) {
    const field = value[name]
    const at = `${where} ${name}: ${JSON.stringify(field)}`
    if (field === null) continue
    if (typeof type === 'object') {
      if (Array.isArray(type)) {
        assert.ok(Array.isArray(field), at)
        for (const each of field)
          if (type[0] === 'String') assert.equal(typeof each, 'string', at)
          else holds(each, type[0] as Fields, at)
      } else holds(field as Record<string, unknown>, type as Fields, at)
    } else if (type === 'String') assert.equal(typeof field, 'string', at)
    else if (type === 'Boolean') assert.equal(typeof field, 'boolean', at)
    else {
      assert.ok(Number.isSafeInteger(field), at)
      if (type === 'Integer') assert.equal(field, Number(field) | 0, at)
    }
  }
}
