// The Node of the lock file: npm installs the one package of them that fits this platform. Plain JavaScript, as any Node
// that runs npm runs this.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** @returns The path of the program; undefined if npm ci was told to leave it out. */
export function ownNode() {
  const { optionalDependencies } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return Object.keys(optionalDependencies)
    .flatMap((name) => [`../node_modules/${name}/bin/node`, `../node_modules/${name}/bin/node.exe`])
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path))
}
