/** Compiles templates that operators may write: a part of liquid that inserts values, reads no file and ends soon. */

import { createRequire } from 'node:module'
import type { Liquid } from 'liquidjs'
import { awsDomain } from './aws-domain.ts'

const require = createRequire(import.meta.url)

/** Loaded when a template takes more than values, as the shipped ones do not. */
function liquid(): typeof import('liquidjs') {
  return require('liquidjs') as typeof import('liquidjs')
}

/** A template, compiled. A value that is null or missing comes out empty, a list or a map as JSON. */
export type Render = (values: Values) => string
export type Values = Readonly<Record<string, unknown>>

/** The permitted tags. Liquid's others could run long, could put out text unescaped, or have no use in one line. */
const tags: ReadonlySet<string> = new Set(['assign', 'case', 'comment', 'if', 'unless', '#'])

/**
 * @param written  Escapes each value, so that it cannot change the text around it.
 * @returns A function that compiles a template. It throws an Error of one sentence if the template is malformed, or uses
 * a name that is not among `names`, if they are given.
 */
export function createCompiler(written: (text: string) => string = (text) => text) {
  let made: Liquid | undefined
  const engine = () => {
    made ??= createEngine(written)
    return made
  }
  return (source: string, names?: readonly string[]): Render => {
    const pieces = piecesOf(source)
    if (pieces === undefined) {
      const parsed = parse(engine(), source, names)
      return (values) => engine().renderSync(parsed, values) as string
    }
    // A plain join: liquid's interpreter takes about ten times as long.
    assertKnown(namesOf(pieces), names)
    return (values) => {
      let text = pieces[0]!
      for (let i = 1; i < pieces.length; i += 2) text += written(textOf(values[pieces[i]!])) + pieces[i + 1]!
      return text
    }
  }
}

const output = /\{\{\s*([A-Za-z]\w*)\s*\}\}/g
const maxSource = 100_000

/** The texts and the names of the values between them, by turns; undefined of a template with more than values. */
function piecesOf(source: string): readonly string[] | undefined {
  const isPlain = !/\{\{|\{%/.test(source.replace(output, '')) && source.length <= maxSource
  return isPlain ? source.split(output) : undefined
}

function namesOf(pieces: readonly string[]): readonly string[] {
  return pieces.filter((_, i) => i % 2 === 1)
}

function createEngine(written: (text: string) => string): Liquid {
  const engine = new (liquid().Liquid)({
    strictVariables: true,
    strictFilters: true,
    outputEscape: (value: unknown) => written(textOf(value)),
    templates: {},
    // ms and bytes.
    renderLimit: 100,
    parseLimit: maxSource,
    memoryLimit: 1_000_000,
  })
  for (const tag of Object.keys(engine.tags)) if (!tags.has(tag)) delete engine.tags[tag]
  delete engine.filters.raw // would bypass the escaping
  engine.registerFilter('aws_domain', (region: unknown) => awsDomain(String(region)))
  return engine
}

function parse(engine: Liquid, source: string, names: readonly string[] | undefined) {
  let parsed: ReturnType<Liquid['parse']>
  try {
    parsed = engine.parse(source)
  } catch (error) {
    throw new Error((error as Error).message.split('\n')[0]!)
  }
  if (names !== undefined) assertKnown(engine.globalVariablesSync(parsed), names)
  return parsed
}

function assertKnown(used: readonly string[], names: readonly string[] | undefined): void {
  for (const name of used)
    if (names && !names.includes(name))
      throw new Error(`{{ ${name} }} is no value here; there are ${names.join(', ')}`)
}

/** The names of all values that the templates in a structure use. @throws Error for a malformed template. */
export function namesIn(structure: unknown): ReadonlySet<string> {
  let engine: Liquid | undefined
  const usedBy = (source: string): readonly string[] => {
    const pieces = piecesOf(source)
    if (pieces !== undefined) return namesOf(pieces)
    engine ??= new (liquid().Liquid)()
    return engine.globalVariablesSync(engine.parse(source))
  }
  const names = new Set<string>()
  const add = (node: unknown): void => {
    if (typeof node === 'string') for (const name of usedBy(node)) names.add(name)
    else if (typeof node === 'object' && node !== null) for (const child of Object.values(node)) add(child)
  }
  add(structure)
  return names
}

/**
 * The names of the members of a value that a template uses: of `values`, `shop` for `{{ values.shop }}`.
 * @throws Error of one sentence for a malformed template, or one that uses the value itself or a part of a member.
 */
export function membersIn(source: string, value: string): readonly string[] {
  if (namesOf(piecesOf(source) ?? []).includes(value))
    throw new Error(`{{ ${value} }} needs a name, as {{ ${value}.name }}`)
  if (!source.includes(value)) return []
  const engine = createEngine(textOf)
  const names = new Set<string>()
  for (const [root, ...path] of engine.globalVariableSegmentsSync(parse(engine, source, undefined))) {
    if (root !== value) continue
    const [name] = path
    if (path.length !== 1 || typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,31}$/.test(name))
      throw new Error(`{{ ${value} }} needs one name in small letters, as {{ ${value}.name }}`)
    names.add(name)
  }
  return [...names]
}

/** The name of the value if a template is one value and nothing else; otherwise null. */
export function soleName(source: string): string | null {
  return /^\{\{\s*([A-Za-z]\w*)\s*\}\}$/.exec(source)?.[1] ?? null
}

/**
 * Compiles a template of one value through filters to a number, such as `{{ a | at_most: 9 }}`. It gives null if the
 * result is no number.
 */
export function compileNumber(source: string): (values: Values) => number | null {
  const expression = /^\{\{([^{}|]*\|[^{}]*)\}\}$/.exec(source)?.[1]
  if (expression === undefined) return () => null
  const { Context, Liquid, toValueSync, Value } = liquid()
  const engine = new Liquid({ strictFilters: true, strictVariables: true })
  const value = new Value(expression, engine)
  return (values) => {
    const found = toValueSync(value.value(new Context(values, engine.options)))
    return typeof found === 'number' ? found : null
  }
}

export function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
