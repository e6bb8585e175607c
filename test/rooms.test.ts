/** Holds the import table of the design true: which room may know which. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { test } from 'node:test'
import { readOpenFiles, readRooms } from '../scripts/rooms.ts'

const source = join(import.meta.dirname, '..', 'src')

/** By room, as the table in CONTRIBUTING.md has it. Files beside the rooms (errors, clock, log) are open to all. */
const mayImport = new Map(readRooms().map(({ name, imports }) => [name, imports]))

const shared = readOpenFiles()

type Import = { readonly target: string; readonly isTypes: boolean }

/** Each file of the source, and the files it imports. */
const imports: ReadonlyMap<string, readonly Import[]> = new Map(
  readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => [file, importsOf(file)]),
)

function importsOf(file: string): Import[] {
  const statements = readFileSync(join(source, file), 'utf8').matchAll(
    /^(?:import|export)[^'"]*?from '(\.[^']+)'|import\('(\.[^']+)'\)/gms,
  )
  return [...statements].map(([statement, path, lazy]) => ({
    target: relative(source, normalize(join(source, dirname(file), (path ?? lazy)!))),
    isTypes: /^(import|export) type /.test(statement),
  }))
}

test('the table of rooms has each folder of src, and what it names is there', () => {
  const folders = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  assert.deepEqual([...mayImport.keys()].toSorted(), folders.map(({ name }) => name).toSorted())
  for (const [room, allowed] of mayImport)
    for (const one of allowed)
      assert.ok(
        existsSync(join(source, one.replace(' (types)', ''))),
        `${room}/ may import ${one}: no such thing`,
      )
  assert.ok(shared.length > 0)
  for (const file of shared) assert.ok(existsSync(join(source, file)), `${file} is open to all: no such file`)
})

test('every import obeys the table of rooms', () => {
  const broken: string[] = []
  for (const [file, ofFile] of imports) {
    const room = file.includes('/') ? file.split('/')[0]! : ''
    if (room === '' && !shared.includes(file)) continue // main.ts, which starts everything
    assert.ok(room === '' || mayImport.has(room), `src/${room} is not in the table of CONTRIBUTING.md`)
    const allowed = [room, ...shared, ...(mayImport.get(room) ?? [])]
    for (const { target, isTypes } of ofFile) {
      const other = target.split('/')[0]!
      if (allowed.includes(other) || allowed.includes(target)) continue
      if (isTypes && allowed.includes(`${other} (types)`)) continue
      broken.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(broken, [])
})

test('the table permits no import that no file needs', () => {
  const isNeeded = (room: string, permit: string): boolean =>
    [...imports].some(
      ([file, ofFile]) =>
        file.startsWith(`${room}/`) &&
        ofFile.some(
          ({ target }) => target === permit || target.startsWith(`${permit.replace(' (types)', '')}/`),
        ),
    )
  const idle = [...mayImport].flatMap(([room, permits]) =>
    permits
      .filter((permit) => !isNeeded(room, permit))
      .map((permit) => `${room}/ imports nothing of ${permit}`),
  )
  assert.deepEqual(idle, [])
})

test('no file imports itself by way of others, not even for types', () => {
  const circles = new Set<string>()
  const done = new Set<string>()
  const walk = (file: string, way: readonly string[]): void => {
    const since = way.indexOf(file)
    if (since >= 0) circles.add([...way.slice(since), file].join(' → '))
    if (since >= 0 || done.has(file)) return
    for (const { target } of imports.get(file) ?? []) walk(target, [...way, file])
    done.add(file)
  }
  for (const file of imports.keys()) walk(file, [])
  assert.deepEqual([...circles], [])
})

test('only main.ts, cli/ and workers/ touch process', () => {
  const touching = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') &&
      !file.endsWith('.test.ts') &&
      file !== 'main.ts' &&
      !/^(cli|workers)\//.test(file) &&
      /\bprocess\.(?!hrtime)/.test(
        readFileSync(join(source, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''),
      ),
  )
  assert.deepEqual(touching, [])
})
