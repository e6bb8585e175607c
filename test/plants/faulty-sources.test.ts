/** Holds planted faults to the source that they change: a refactoring must not leave a plant without its place. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { plants } from './faulty-sources.ts'

const root = join(import.meta.dirname, '..', '..')

for (const [name, edits] of Object.entries(plants))
  test(`the plant "${name}" finds each piece of source that it changes, once`, () => {
    for (const [file, pieces] of Object.entries(edits)) {
      const source = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
      for (const [piece] of pieces) assert.equal(source.split(piece).length - 1, 1, `${file}: ${piece}`)
    }
  })
