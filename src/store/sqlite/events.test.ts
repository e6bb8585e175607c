import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { pageSql } from './events.ts'
import { migrations } from './migrations.ts'
import { hasNewSql } from './webhooks.ts'

test('reading on in a long feed looks only at what is new in it', () => {
  const db = new DatabaseSync(':memory:')
  for (const step of migrations) db.exec(step)
  const questions = [
    pageSql,
    `select w.id from webhook w left join event c on c.id = w.cursor where ${hasNewSql}`,
  ]
  for (const sql of questions) {
    const plan = db
      .prepare(`explain query plan ${sql}`)
      .all()
      .map(({ detail }) => String(detail))
    assert.ok(
      plan.some((step) => step.includes('event_of_app (app=? AND tx=? AND seq>?)')),
      plan.join('; '),
    )
    assert.ok(!plan.some((step) => /SCAN (e|event)\b/.test(step)), plan.join('; '))
  }
  db.close()
})
