/**
 * Writes the pages of docs/ that are made from the code: `npm run docs`.
 * With `--check` writes nothing and fails if a page is out of step.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { carrierPages } from './carrier-pages.ts'
import { cliPage } from './cli-page.ts'
import { configPage } from './config-page.ts'
import { countriesPage } from './countries-page.ts'
import { dashboardPage } from './dashboard.ts'
import { errorsPage } from './errors-page.ts'
import { promisesPage } from './promises-page.ts'

const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/config.md': configPage,
  'docs/cli.md': cliPage,
  'docs/countries.md': countriesPage,
  'docs/dashboard.json': dashboardPage,
  'docs/errors.md': errorsPage,
  'docs/promises.md': promisesPage,
  ...carrierPages(),
}

const root = join(import.meta.dirname, '..')
const isCheck = process.argv.includes('--check')

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
