/** Pieces that several sections share: texts, secrets, hosts. */

import { readFileSync } from 'node:fs'
import { Type } from '../../json-schema.ts'
import { isNetwork } from '../../network/networks.ts'
import { fileProblems } from '../files.ts'
import { optional } from '../policy-schema.ts'

export type Endpoint = { readonly host: string; readonly port: number }

export const text = (description: string, byDefault?: string) =>
  optional(Type.String({ minLength: 1, description, ...(byDefault !== undefined && { default: byDefault }) }))

/** `HOST:PORT`, with IPv6 in brackets. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  return match && port <= 65_535 ? { host: match[1] ?? match[2]!, port } : undefined
}

/** A part of a store's URL with its percent-encoding decoded. @returns undefined if it is not well encoded. */
export function decodedPart(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/**
 * A secret stated as `name`, or in the file `nameFile`; not both.
 * @returns null if neither is stated.
 */
export function readSecret<N extends string>(
  file: { readonly [K in N | `${N}File`]?: string },
  name: N,
  where: string,
  problems: string[],
): string | null {
  const stated = file[name] as string | undefined
  const path = file[`${name}File`] as string | undefined
  if (stated !== undefined && path !== undefined)
    problems.push(`${where}: ${name} and ${name}File are both stated; state one`)
  const found = fileProblems(`${where}.${name}File`, path)
  problems.push(...found)
  if (stated !== undefined || path === undefined || found.length > 0) return stated ?? null
  const secret = readFileSync(path, 'utf8').trim()
  if (secret === '') problems.push(`${where}.${name}File: ${path} is empty`)
  return secret
}

/** An entry of a list of private hosts and networks that may be called. */
export function isHostOrNetwork(text: string): boolean {
  return isNetwork(text) || /^(?=.*[a-z])[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(text)
}

export function noHostOrNetwork(where: string, text: string): string {
  return `${where}.allowPrivate: ${text} is no host, address or CIDR block, such as 10.0.0.0/8`
}
