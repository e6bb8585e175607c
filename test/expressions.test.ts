/** Every regular expression of the product ends in a time that grows no faster than the text it is tried on. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Node, parse as parseScript } from 'acorn'
import { analyse } from 'scslre'
import { parse as parseYaml } from 'yaml'

const source = join(import.meta.dirname, '..', 'src')

type Found = { readonly file: string; readonly expression: RegExp }

/** In TypeScript, and in the blocks of carriers (`match`), which are compiled with the flag u. */
function expressions(): Found[] {
  const found: Found[] = []
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    const text = () => readFileSync(join(source, file), 'utf8')
    if (file.endsWith('.ts') && !file.endsWith('.test.ts'))
      found.push(...literalsIn(text()).map((expression) => ({ file, expression })))
    if (file.endsWith('.js')) found.push(...literalsIn(text()).map((expression) => ({ file, expression })))
    if (file.endsWith('.yaml'))
      for (const pattern of matchesIn(parseYaml(text())))
        found.push({ file, expression: new RegExp(pattern, 'u') })
  }
  return found
}

function literalsIn(text: string): RegExp[] {
  const tree = parseScript(stripTypeScriptTypes(text), { ecmaVersion: 'latest', sourceType: 'module' })
  const found: RegExp[] = []
  visit(tree, (node) => {
    if (node.type === 'Literal' && node.value instanceof RegExp) found.push(node.value)
  })
  return found
}

type Literal = Node & { readonly value?: unknown }

function visit(node: unknown, look: (node: Literal) => void): void {
  if (Array.isArray(node)) for (const one of node) visit(one, look)
  else if (typeof node === 'object' && node !== null && !(node instanceof RegExp)) {
    if ('type' in node) look(node as Literal)
    visit(Object.values(node), look)
  }
}

function matchesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, one]) =>
    name === 'match' && typeof one === 'string' ? [one] : matchesIn(one),
  )
}

/** What makes it slow: repeats within each other, beside each other, or from each start anew. */
function slowness(expression: RegExp): string[] {
  return analyse(expression).reports.map(
    ({ type, exponential }) => `${type}${exponential ? ', exponential' : ''}`,
  )
}

/** On what nobody outside writes: each with the reason. */
const trusted: Readonly<Record<string, string>> = {
  'delivery/template-check.ts: /<style[\\s\\S]*?<\\/style>|<!--[\\s\\S]*?-->|<[^>]*>/g':
    'templates, which the operator writes and the server reads once, at its start',
}

test('A-10: no regular expression has repeats that a text can make slow', () => {
  const found = expressions()
  assert.ok(found.length > 100, `${found.length} found`)
  const slow = found.flatMap(({ file, expression }) => {
    const reasons = slowness(expression)
    return reasons.length === 0 || Object.hasOwn(trusted, `${file}: ${expression}`)
      ? []
      : [`${file}: ${expression} (${reasons.join('; ')})`]
  })
  assert.deepEqual(slow, [])
})

test('A-10: the same look finds the expressions that were slow here, and others of their kinds', () => {
  for (const slow of [
    /\S*(?:@|%40)\S*/gi, // mailboxes in a carrier's words: 60 kB took 12 s
    /\S*$/,
    /(?<!0x[0-9A-F]*)\d{6,}/g,
    /(a+)+b/,
    /(?:\d+[ ,]?)*x/,
    /\s*,?\s*$/,
    /^(.*)=(.*);(.*)$/,
  ])
    assert.notDeepEqual(slowness(slow), [], String(slow))
  assert.deepEqual(
    literalsIn('const a: RegExp = /(x+)+y/u; const b = 6 / 2 / 1; const c = [/z+/] // /no+/').map(String),
    ['/(x+)+y/u', '/z+/'],
  )
  assert.deepEqual(matchesIn(parseYaml('answer: { refused: [{ text: { match: "^a+$" } }] }')), ['^a+$'])
})
