/** The problems of a carrier block that its schema cannot find: templates, pointers and names that lead nowhere. */

import { createCompiler } from '../../liquid.ts'
import { type CarrierBlock, messageValueNames, signingValueNames, type Verification } from './block-schema.ts'

/** Names that a template of `sign` may use besides the message's values; `signature` only in `value` of `hmac`. */
const signingNames = ['method', 'path', 'body', 'signature']
/** Names that `text` of a call-back's `hmac` may use besides its own values. */
const callNames = ['url', 'body']

const algorithms = ['sha1', 'sha256', 'sha512']
const encodings = ['hex', 'base64']

/**
 * @param block  Of the schema's form.
 * @param where  Its path, with which each problem begins.
 * @param taken  Names that needs cannot have, because settings of the section have them.
 */
export function blockProblems(block: CarrierBlock, where: string, taken: readonly string[]): string[] {
  const problems: string[] = []
  const compile = createCompiler()
  const needs = Object.keys(block.needs ?? {})
  const inRequest = [...needs, ...messageValueNames]

  const templates = (node: unknown, path: string, names: readonly string[]): void => {
    if (typeof node === 'string') attempt(() => compile(node, names), `${where}.${path}`, problems)
    else if (typeof node === 'object' && node !== null)
      for (const [key, child] of Object.entries(node)) templates(child, `${path}.${key}`, names)
  }

  for (const [name, { pattern }] of Object.entries(block.needs ?? {})) {
    if (taken.some((one) => one === name || `${one}File` === name))
      problems.push(`${where}.needs.${name}: is the name of a setting; choose another`)
    if (messageValueNames.includes(name as never))
      problems.push(`${where}.needs.${name}: is the name of a value of messages; choose another`)
    if (pattern !== undefined)
      attempt(() => new RegExp(pattern, 'u'), `${where}.needs.${name}.pattern`, problems)
  }
  for (const name of (block.needsOneOf ?? []).flat())
    if (!needs.includes(name)) problems.push(`${where}.needsOneOf: ${name} is not among the needs`)

  const verification = ({ hmac, ...plain }: Verification, path: string): void => {
    templates(plain, path, needs)
    if (hmac) {
      const values = Object.keys(hmac.values ?? {})
      templates(hmac.key, `${path}.hmac.key`, needs)
      templates(hmac.text, `${path}.hmac.text`, [...needs, ...values, ...callNames])
      hashProblems(hmac, `${where}.${path}.hmac`, problems)
      if (hmac.timestamp !== undefined && !values.includes(hmac.timestamp))
        problems.push(`${where}.${path}.hmac.timestamp: ${hmac.timestamp} is not among its values`)
    }
    const { secret } = plain as { secret?: { query?: string; header?: string } }
    if (secret && (secret.query === undefined) === (secret.header === undefined))
      problems.push(`${where}.${path}.secret: state where it is, query or header`)
  }

  const { server, sign, method = 'POST', ...rest } = block.request
  templates(server, 'request.server', needs)
  templates(rest, 'request', inRequest)
  templates(sign, 'request.sign', [...inRequest, ...signingNames])
  hashProblems(sign?.hmac, `${where}.request.sign.hmac`, problems)
  const bodies = (['form', 'json', 'xml'] as const).filter((one) => rest[one] !== undefined)
  if (bodies.length > 1)
    problems.push(`${where}.request: has ${bodies.join(' and ')}; a request has one body, state one`)
  if (method === 'GET' && bodies.length > 0)
    problems.push(`${where}.request: a GET has no body; move what is in ${bodies[0]} to query`)

  const { credentials } = block
  if (credentials) {
    const { source: _, good, sign: own = sign, ...call } = credentials
    const known = [...needs, ...signingValueNames]
    templates(call, 'credentials', known)
    templates(own, 'credentials.sign', [...known, ...signingNames])
    hashProblems(own?.hmac, `${where}.credentials.sign.hmac`, problems)
    expressions(good, `${where}.credentials.good`, problems)
    if ((call.method ?? 'GET') === 'GET' && call.json !== undefined)
      problems.push(`${where}.credentials: a GET has no body; move what is in json to query`)
  }
  expressions(block.answer, `${where}.answer`, problems)
  for (const { source: _, status: __, ...conditions } of [block.answer.refused ?? []].flat())
    for (const [at, condition] of Object.entries(conditions))
      if (Array.isArray(condition))
        problems.push(
          `${where}.answer.refused: ${at} lists codes; give each a rule of its own with its source`,
        )
  const { receipts } = block
  if (receipts) {
    expressions(receipts, `${where}.receipts`, problems)
    const { verify } = receipts
    if (Array.isArray(verify))
      for (const [i, one] of verify.entries()) verification(one, `receipts.verify.${i}`)
    else verification(verify, 'receipts.verify')
    if ((receipts.method ?? 'POST') === 'GET' && receipts.parse !== 'query')
      problems.push(`${where}.receipts.parse: a GET has no body; state query`)
  }
  return problems
}

function hashProblems(hmac: unknown, where: string, problems: string[]): void {
  const { algorithm = 'sha256', encoding = 'hex' } = (hmac ?? {}) as { algorithm?: string; encoding?: string }
  if (!algorithms.includes(algorithm))
    problems.push(`${where}.algorithm: must be one of ${algorithms.join(', ')}`)
  if (!encodings.includes(encoding))
    problems.push(`${where}.encoding: must be one of ${encodings.join(', ')}`)
}

/** Every `{ match }` and every `text` of a rule, wherever it is. */
function expressions(node: unknown, where: string, problems: string[]): void {
  if (typeof node !== 'object' || node === null) return
  for (const [key, child] of Object.entries(node)) {
    if (key === 'match' && typeof child === 'string')
      attempt(() => new RegExp(child, 'u'), `${where}.match`, problems)
    else expressions(child, `${where}.${key}`, problems)
  }
}

function attempt(act: () => unknown, where: string, problems: string[]): void {
  try {
    act()
  } catch (error) {
    problems.push(`${where}: ${(error as Error).message}`)
  }
}
