/** Loads carrier blocks: ready-made ones, those in a file of the operator, and those in the settings themselves. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileProblems } from '../files.ts'
import { parseYaml } from '../parse-yaml.ts'
import { problemsOf } from '../problems.ts'
import { blockProblems } from './block-check.ts'
import { blockSchema, type CarrierBlock } from './block-schema.ts'

/** The folder of the ready-made blocks. Each is a file named for its carrier. */
export const readyMadeFolder = join(import.meta.dirname, '..', '..', 'providers', 'http', 'carriers')

export function readyMadeNames(): readonly string[] {
  return readdirSync(readyMadeFolder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort()
}

export type BlockSource = {
  readonly carrier?: unknown
  readonly carrierFile?: unknown
  readonly block?: unknown
}

/**
 * @param where  The section's path, with which each problem begins.
 * @param taken  Names that needs cannot have.
 * @returns null if there is no usable block; the reason is then in `problems`.
 */
export function loadBlock(
  { carrier, carrierFile, block }: BlockSource,
  where: string,
  taken: readonly string[],
  problems: string[],
): CarrierBlock | null {
  if ([carrier, carrierFile, block].filter((one) => one !== undefined).length !== 1) {
    problems.push(
      `${where}: state one of carrier (ready-made: ${readyMadeNames().join(', ')}), carrierFile and block`,
    )
    return null
  }
  if (block !== undefined) return checked(block, `${where}.block`, taken, problems)
  if (carrierFile !== undefined)
    return read(resolve(String(carrierFile)), `${where}.carrierFile`, taken, problems)
  const known = readyMadeNames()
  if (!known.includes(String(carrier))) {
    problems.push(
      `${where}.carrier: must be one of ${known.join(', ')}; or declare your own by carrierFile or block`,
    )
    return null
  }
  return read(join(readyMadeFolder, `${carrier}.yaml`), `${where}.carrier`, taken, problems)
}

function read(
  path: string,
  where: string,
  taken: readonly string[],
  problems: string[],
): CarrierBlock | null {
  const missing = fileProblems(where, path)
  if (missing.length > 0) {
    problems.push(...missing)
    return null
  }
  const document = parseYaml(readFileSync(path, 'utf8'))
  if (document.errors.length > 0) {
    problems.push(...document.errors.map((error) => `${where}: ${path}: ${error.message.split('\n')[0]}`))
    return null
  }
  return checked(document.toJS(), where, taken, problems)
}

function checked(
  value: unknown,
  where: string,
  taken: readonly string[],
  problems: string[],
): CarrierBlock | null {
  const misshapen = problemsOf(blockSchema, value, where)
  if (misshapen.length > 0) {
    problems.push(...misshapen)
    return null
  }
  const found = blockProblems(value as CarrierBlock, where, taken)
  problems.push(...found)
  return found.length > 0 ? null : (value as CarrierBlock)
}
