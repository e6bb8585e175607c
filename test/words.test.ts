/** Holds names in the code to the glossary: words that were left do not come back. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readRetired, retiredIn } from '../scripts/retired-words.ts'

const root = join(import.meta.dirname, '..')

test('no name in the code has a word that the glossary has left', () => {
  const retired = readRetired(readFileSync(join(root, 'docs/glossary.md'), 'utf8'))
  assert.ok(retired.length > 2)
  const found = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      retiredIn(readFileSync(join(root, 'src', name), 'utf8'), retired).map((word) => `src/${name}: ${word}`),
    )
  assert.deepEqual(found, [])
})

test('a left word is found in a name, not in a comment, a text or a longer word', () => {
  const retired = readRetired(
    '# G\n\n## Left words\n\n| left | now |\n|---|---|\n| `most…`, `giveBack` | max |\n',
  )
  const code = [
    '// giveBack of mostTries',
    "const a = 'giveBack'",
    'const mostly = almostAll + most',
    'const mostTries = giveBack(GIVE_BACK)',
    'type HasGivenBack = `giveBack`',
  ]
  assert.deepEqual(retiredIn(code.join('\n'), retired), ['mostTries', 'giveBack', 'GIVE_BACK'])
})
