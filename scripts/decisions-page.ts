/** docs/decisions/README.md: the decision records by number, from their headings. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '..', 'docs', 'decisions')

export function decisionsPage(): string {
  const rows = readdirSync(folder)
    .filter((name) => /^\d{4}-.*\.md$/.test(name))
    .toSorted()
    .map((name) => {
      const [, title] = /^# \d+[.:] (.+)$/m.exec(readFileSync(join(folder, name), 'utf8')) ?? []
      if (title === undefined)
        throw new Error(`docs/decisions/${name} has no heading such as "# 1. Codes are derived"`)
      return `| ${name.slice(0, 4)} | [${title}](${name}) |`
    })
  return `<!-- Made by "npm run docs" from the headings of the records; do not edit. -->

# Decisions

Choices that close doors: what was to be decided, what was chosen, what lost, and what follows.

| | |
|---|---|
${rows.join('\n')}
`
}
