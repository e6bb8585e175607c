/** Holds the check of links to its task, and the table of homes to the code. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { undeclaredSymbols } from '../scripts/decided-where.ts'
import { anchorsOf, linkProblems } from '../scripts/links.ts'

const lead = '# Documents\n\n[wire](wire.md#the-calls) · [carriers](carriers/README.md)\n'
const sound = {
  'README.md': '[documents](docs/README.md)\n',
  'docs/README.md': lead,
  'docs/wire.md': '# The wire\n\n## The `calls`\n\n![a picture](a.svg)\n',
  'docs/carriers/README.md': '[one](one.md)\n',
  'docs/carriers/one.md': '# One\n\n[up](../wire.md), [outside](https://example.com/x)\n',
}
const files = new Set([...Object.keys(sound), 'docs/a.svg'])

function problemsWith(changed: Readonly<Record<string, string>>): string[] {
  const pages = new Map(Object.entries({ ...sound, ...changed }))
  return linkProblems(pages, (path) => files.has(path) || pages.has(path))
}

test('sound links have no problem', () => {
  assert.deepEqual(problemsWith({}), [])
})

test('a link and a picture that lead nowhere are found', () => {
  assert.deepEqual(problemsWith({ 'docs/carriers/one.md': '[gone](gone.md)\n<img src="../b.svg">\n' }), [
    'docs/carriers/one.md: gone.md leads nowhere',
    'docs/carriers/one.md: ../b.svg leads nowhere',
  ])
})

test('an anchor without its heading is found, on the same page too', () => {
  assert.deepEqual(problemsWith({ 'README.md': '[a](docs/wire.md#errors)\n[b](#start)\n' }), [
    'README.md: docs/wire.md#errors has no such heading',
    'README.md: #start has no such heading',
  ])
})

test('a page that is three clicks away is found', () => {
  assert.deepEqual(
    problemsWith({ 'docs/carriers/one.md': '[two](two.md)\n', 'docs/carriers/two.md': '# Two\n' }),
    ['docs/carriers/two.md is more than 2 clicks from docs/README.md'],
  )
})

test('what stands in code is no link and no heading', () => {
  assert.deepEqual(problemsWith({ 'README.md': '```sh\n# start\n[a](gone.md)\n```\n`[b](gone.md)`\n' }), [])
  assert.deepEqual([...anchorsOf('```sh\n# start\n```\n')], [])
})

test('anchors are those of GitHub', () => {
  const headings = '# Send, verify, update\n## Our `own` form\n## What’s [new](x.md)?\n## Log\n### Log\n'
  assert.deepEqual(
    [...anchorsOf(headings)],
    ['send-verify-update', 'our-own-form', 'whats-new', 'log', 'log-1'],
  )
})

test('a home that does not declare its symbol is found', () => {
  const rows = Array.from(
    { length: 10 },
    (_, i) => `| How ${i}? | [a.ts](../src/a.ts) | \`here\`, \`there\` |`,
  )
  const read = () => 'export function here(): void {}\nconst there = 1\n'
  const found = undeclaredSymbols(rows.join('\n'), read)
  assert.deepEqual([...new Set(found)], ['src/a.ts does not declare there'])
  assert.equal(undeclaredSymbols(rows[0]!, read).length, 1, 'a table that lost its rows')
})
