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
  throttle: ['address'],
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
  http: ['address', 'network', 'flows'],
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
  'outside.ts',
  'random.ts',
  'secret-file.ts',
]

test('every import obeys the table of rooms', () => {
  const broken: string[] = []
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
    const room = file.includes('/') ? file.split('/')[0]! : ''
    if (room === '') continue // app.ts and main.ts put everything together
    assert.ok(mayImport[room], `src/${room} is not in the table`)
    const text = readFileSync(join(source, file), 'utf8')
    for (const [statement, path] of text.matchAll(
      /^(?:import|export)[^'"]*?from '(\.[^']+)'|import\('(\.[^']+)'\)/gms,
    )) {
      const target = relative(
        source,
        normalize(join(source, dirname(file), path ?? statement.split("'")[1]!)),
      )
      const other = target.split('/')[0]!
      const isTypes = /^(import|export) type /.test(statement)
      const allowed = [room, ...shared, ...mayImport[room]]
      if (allowed.includes(other) || allowed.includes(target)) continue
      if (isTypes && allowed.includes(`${other} (types)`)) continue
      broken.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(broken, [])
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
