/** The client as its users get it: packed by npm and unpacked into a folder of its own. */

import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

export type ClientPackage = Disposable & {
  /** A project that has `@countersign/client` in its `node_modules`. */
  readonly project: string
  /** Where the package is in it. */
  readonly folder: string
  /** Paths of its files, from its own folder. */
  readonly files: readonly string[]
}

/** Built in a copy, because other test files may build it at the same time. */
export async function packClient(): Promise<ClientPackage> {
  const project = mkdtempSync(join(tmpdir(), 'countersign-client-'))
  const copy = join(project, 'copy')
  for (const name of ['package.json', 'tsconfig.json', 'README.md', 'LICENSE', 'copy-element.js', 'src'])
    cpSync(join(root, 'client', name), join(copy, name), { recursive: true })
  // The field for a code is a file of the server.
  const field = join('src', 'http', 'pages', 'verify', 'countersign-code.js')
  cpSync(join(root, field), join(project, field))
  const env = {
    ...process.env,
    PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  }
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: copy, env })
  // What the scripts print comes first.
  const [packed] = JSON.parse(stdout.slice(stdout.search(/^\[/m))) as [
    { filename: string; files: { path: string }[] },
  ]
  const folder = join(project, 'node_modules', '@countersign', 'client')
  mkdirSync(folder, { recursive: true })
  await run('tar', ['xzf', join(project, packed.filename), '-C', folder, '--strip-components=1'])
  for (const path of [copy, join(project, 'src')]) rmSync(path, { recursive: true })
  return {
    project,
    folder,
    files: packed.files.map(({ path }) => path).toSorted(),
    [Symbol.dispose]: () => rmSync(project, { recursive: true, force: true }),
  }
}
