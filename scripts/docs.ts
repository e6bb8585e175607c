/**
 * Writes the pages and pictures of docs/ that are made from the code, then checks the links of all Markdown:
 * `npm run docs`. With `--check` writes nothing and fails if a page is out of step. With `--release` keeps the API's
 * document as that of a release; a change that breaks its callers fails from then on.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { apiDocument } from '../src/http/api-document.ts'
import { breakingChanges } from './api-changes.ts'
import { apiErrorsPage } from './api-errors-page.ts'
import { carrierPages } from './carrier-pages.ts'
import { cliPage } from './cli-page.ts'
import { clientTypes } from './client-types.ts'
import { configPage } from './config-page.ts'
import { countriesPage } from './countries-page.ts'
import { dashboardPage } from './dashboard.ts'
import { undeclaredSymbols } from './decided-where.ts'
import { decisionsPage } from './decisions-page.ts'
import { errorsPage } from './errors-page.ts'
import { importsPicture } from './imports-picture.ts'
import { linkProblemsIn } from './links.ts'
import { promisesPage } from './promises-page.ts'
import { roomsPicture } from './rooms-picture.ts'

const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'client/src/openapi.ts': clientTypes,
  'docs/api/errors.md': apiErrorsPage,
  'docs/api/openapi.json': () => `${JSON.stringify(apiDocument(), null, 1)}\n`,
  'docs/config.md': configPage,
  'docs/cli.md': cliPage,
  'docs/countries.md': countriesPage,
  'docs/dashboard.json': dashboardPage,
  'docs/decisions/README.md': decisionsPage,
  'docs/errors.md': errorsPage,
  'docs/imports.svg': importsPicture,
  'docs/promises.md': promisesPage,
  'docs/rooms.svg': roomsPicture,
  ...carrierPages(),
}

const root = join(import.meta.dirname, '..')
const isCheck = process.argv.includes('--check')
const released = join(root, 'docs/api/openapi.released.json')

if (process.argv.includes('--release')) writeFileSync(released, `${JSON.stringify(apiDocument(), null, 1)}\n`)

for (const [path, make] of Object.entries(pages)) {
  const file = join(root, path)
  const text = await make()
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
  if (isCheck) {
    console.error(`${path} is out of step with the code; run "npm run docs"`)
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    console.log(`${path} written`)
  }
}

const architecture = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
const readCode = (path: string) =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined
const problems = [
  ...linkProblemsIn(root),
  ...(existsSync(released)
    ? breakingChanges(JSON.parse(readFileSync(released, 'utf8')), apiDocument()).map(
        (problem) => `breaks callers of the last release: ${problem}`,
      )
    : []),
  ...undeclaredSymbols(architecture, readCode).map((problem) => `docs/architecture.md: ${problem}`),
]
for (const problem of problems) {
  console.error(problem)
  process.exitCode = 1
}
