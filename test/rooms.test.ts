/** Holds the import table of the design true: which room may know which. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { test } from 'node:test'

const source = join(import.meta.dirname, '..', 'src')

/** The pure rooms and the rooms above them; files beside the rooms (errors, clock, log, metrics) are open to all. */
const mayImport: Record<string, readonly string[]> = {
  address: [],
  code: [],
  network: [],
  verification: ['address', 'code'],
  throttle: ['address', 'network'],
  directory: ['address'],
  store: ['address', 'code', 'verification', 'throttle', 'directory'],
  delivery: ['address', 'code', 'store (types)'],
  providers: [
    'address',
    'delivery/provider.ts',
    'delivery/gsm-7.ts',
    'delivery/sms-segments.ts',
    'config (types)',
    'network',
  ],
  flows: ['address', 'code', 'network', 'verification', 'throttle', 'directory', 'store', 'delivery'],
  http: ['address', 'code/constant-time.ts', 'network', 'flows'],
  config: [
    'address',
    'code',
    'network',
    'throttle',
    'verification',
    'delivery/provider.ts',
    'delivery/routes.ts',
    'delivery/template-values.ts',
    'flows (types)',
    'flows/policy.ts',
    'store (types)',
  ],
  app: [
    'address',
    'code',
    'network',
    'directory',
    'store',
    'delivery',
    'providers',
    'flows',
    'http',
    'config',
  ],
  cli: [
    'address',
    'code',
    'network',
    'verification',
    'throttle',
    'directory',
    'store',
    'delivery',
    'flows',
    'config',
    'providers',
    'app.ts',
  ],
}

const shared = [
  'aws-domain.ts',
  'carrier-words.ts',
  'errors.ts',
  'clock.ts',
  'deadline.ts',
  'liquid.ts',
  'log.ts',
  'metrics.ts',
  'once-for-each.ts',
  'outside.ts',
  'random.ts',
  'secret-file.ts',
]

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

test('every import obeys the table of rooms', () => {
  const broken: string[] = []
  for (const [file, ofFile] of imports) {
    const room = file.includes('/') ? file.split('/')[0]! : ''
    if (room === '' && !shared.includes(file)) continue // app.ts and main.ts put everything together
    assert.ok(room === '' || mayImport[room], `src/${room} is not in the table`)
    const allowed = [room, ...shared, ...(mayImport[room] ?? [])]
    for (const { target, isTypes } of ofFile) {
      const other = target.split('/')[0]!
      if (allowed.includes(other) || allowed.includes(target)) continue
      if (isTypes && allowed.includes(`${other} (types)`)) continue
      broken.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(broken, [])
})

test('CONTRIBUTING names these rooms and these files open to all', () => {
  const text = readFileSync(join(source, '..', 'CONTRIBUTING.md'), 'utf8')
  assert.deepEqual(
    [...text.matchAll(/^\| `(\w+)\/` \|/gm)].map(([, room]) => room).toSorted(),
    Object.keys(mayImport).toSorted(),
  )
  const open = /^((?:`[\w.-]+\.ts`[\s,and]*)+) are open to all/m.exec(text)?.[1] ?? ''
  assert.deepEqual([...open.matchAll(/`([^`]+)`/g)].map(([, file]) => file).toSorted(), shared.toSorted())
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

test('only main.ts and cli/ touch process', () => {
  const touching = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') &&
      !file.endsWith('.test.ts') &&
      file !== 'main.ts' &&
      !file.startsWith('cli/') &&
      /\bprocess\.(?!hrtime)/.test(
        readFileSync(join(source, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''),
      ),
  )
  assert.deepEqual(touching, [])
})
