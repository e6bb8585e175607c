import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isSameSecret } from './constant-time.ts'

test('A-2: secrets are the same or not', () => {
  assert.ok(isSameSecret('123456', '123456'))
  for (const other of ['123457', '023456', '12345', '1234567', '', '１２３４５６'])
    assert.ok(!isSameSecret('123456', other), other)
})

test('A-2: nowhere in the source are secrets compared with ===', () => {
  const source = join(import.meta.dirname, '..')
  const name = '(?:entered|expected|derived|signature|password|mac|token|accessToken|secret|code|key)'
  const other = '(?!undefined\\b|null\\b)[A-Za-z_][\\w.]*'
  const compared = new RegExp(
    `\\b${name}\\s*[!=]==?\\s*${other}|[A-Za-z_)\\]]\\s*[!=]==?\\s*${name}\\b(?!\\.)`,
  )
  const found: string[] = []
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
    for (const [i, line] of readFileSync(join(source, file), 'utf8').split('\n').entries())
      if (compared.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line))
        found.push(`${file}:${i + 1}: ${line.trim()}`)
  }
  // Codes of departments, keys of records, of countries and of what was made before are no secrets, nor are codes of problems and the sample
  // code that templates are checked with.
  const innocent =
    /addressKey|member_phone|phone_key|callingCodes|allDepartments|^store\/verbs\/departments\.ts|unknownCode|before\?\.key|return key\(|^delivery\/phone-pick-up\.ts/
  assert.deepEqual(
    found.filter((one) => !innocent.test(one)),
    [],
  )
  for (const fault of ['entered === expected', 'if (a.code !== code)', 'body.token == token'])
    assert.ok(compared.test(fault), `the check finds ${fault}`)
})
