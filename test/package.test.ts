/** Holds the lock file to what an install may do: no script of a package runs, and the Node it brings is pinned. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ownNode } from '../bin/own-node.js'
import { peerAt } from './peers.ts'

const root = join(import.meta.dirname, '..')

type LockedPackage = {
  readonly version?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly os?: unknown
  readonly cpu?: unknown
  readonly optional?: boolean
  /** To a folder of this repository. */
  readonly link?: boolean
}

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockedPackage>
}
const fromElsewhere = Object.entries(packages).filter(
  ([path, one]) => path.startsWith('node_modules/') && !one.link,
)
const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  optionalDependencies: Record<string, string>
}

test('no package from elsewhere runs a script when it is installed', () => {
  const withScripts = fromElsewhere.filter(([, one]) => one.hasInstallScript)
  assert.deepEqual(withScripts, [])
})

test('each package is pinned by its digest', () => {
  const loose = fromElsewhere.filter(([, one]) => !one.integrity)
  assert.deepEqual(loose, [])
})

test('the Node of each platform is one version, for that platform alone', () => {
  const nodes = Object.keys(optionalDependencies).map((name) => packages[`node_modules/${name}`])
  assert.ok(nodes.length >= 5)
  assert.equal(new Set(nodes.map((one) => one?.version)).size, 1)
  for (const one of nodes) assert.ok(one?.os && one.cpu && one.optional, JSON.stringify(one))
})

test('the Node of the lock file is where npm scripts find it', () => {
  assert.equal(realpathSync(join(root, 'node_modules', '.bin', 'node')), realpathSync(ownNode()!))
})

const olderNodes = ['/usr/local/bin/node', '/usr/bin/node'].filter((path) => {
  if (peerAt(path) === undefined) return false
  const [major = 0] = execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' })
    .split('.')
    .map(Number)
  return major < 24
})

test('a machine’s older Node hands the command to the Node of the lock file', {
  skip: olderNodes.length === 0 && 'this machine has no Node older than 24',
}, () => {
  const said = execFileSync(olderNodes[0]!, [join(root, 'bin', 'countersign.js'), 'help'], {
    encoding: 'utf8',
  })
  assert.match(said, /Usage: countersign/)
})
