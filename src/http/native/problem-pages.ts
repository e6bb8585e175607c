/** `/v1/problems/{type}`: what a problem means and what to do about it, for people and for programs. */

import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Type } from '../../json-schema.ts'
import { type ProblemKind, type ProblemType, problems, schemaNameOf } from './problems.ts'
import { type Answer, type Outcome, route } from './route.ts'

const description = Type.Object(
  {
    type: Type.String({ format: 'uri-reference' }),
    title: Type.String(),
    status: Type.Integer(),
    meaning: Type.String(),
    remedy: Type.String(),
    retry: Type.Union([
      Type.Literal('no'),
      Type.Literal('after-reading'),
      Type.Literal('after-retry-after'),
      Type.Literal('same-key'),
    ]),
    members: Type.Array(Type.String(), { description: 'Names of the members that this type adds.' }),
  },
  { title: 'ProblemDescription' },
)

export const problemRoute = route({
  operationId: 'describeProblem',
  method: 'GET',
  path: '/problems/{type}',
  tag: 'Problems',
  summary: 'What a problem means, and what to do about it.',
  description: 'Browsers get a page, programs JSON. Every problem’s `type` leads here.',
  access: 'public',
  params: { type: Type.String({ enum: Object.keys(problems) }) },
  answers: { 200: { description: 'The problem.', schema: description } },
  problems: ['not-found'],
  handle(_context, { request, params }): Outcome {
    const kind = (problems as Readonly<Record<string, ProblemKind>>)[params.type ?? '']
    if (!kind || !Object.hasOwn(problems, params.type!))
      return { problem: 'not-found', detail: 'There is no problem of this type.' }
    const type = params.type as ProblemType
    if (wantsPage(request)) return page(type, kind)
    const { status, title, meaning, remedy, retry, members } = kind
    return {
      status: 200,
      headers: { vary: 'accept' },
      body: {
        type: `/v1/problems/${type}`,
        title,
        status,
        meaning,
        remedy,
        retry,
        members: Object.keys(members),
      },
    }
  },
})

/** Browsers name HTML first; programs name JSON, or take anything. */
function wantsPage({ headers }: FastifyRequest): boolean {
  return (headers.accept ?? '').split(',').some((one) => one.trim().startsWith('text/html'))
}

const style = `:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem}
code{font-family:ui-monospace,monospace}
dt{font-weight:600;margin-top:1rem}
dd{margin:0}`

/** The page may show its one style, known by its digest, and nothing else. */
const policy = `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; frame-ancestors 'none'`

export const retryWords: Readonly<Record<ProblemKind['retry'], string>> = {
  no: 'No: the same call fails again.',
  'after-reading': 'After reading the verification.',
  'after-retry-after': 'After the time in Retry-After.',
  'same-key': 'Yes, with the same Idempotency-Key.',
}

function page(type: ProblemType, { title, status, meaning, remedy, retry, members }: ProblemKind): Answer {
  const names = Object.keys(members)
    .map((name) => `<code>${name}</code>`)
    .join(', ')
  const rows = [
    ['Type', `<code>${type}</code>`],
    ['Status', String(status)],
    ['When', withCode(meaning)],
    ['What to do', withCode(remedy)],
    ['Repeat it?', retryWords[retry]],
    ...(names ? [['Members', names]] : []),
    ['Schema', `<code>${schemaNameOf(type)}</code>`],
  ]
  const body = rows.map(([name, text]) => `<dt>${name}</dt><dd>${text}</dd>`).join('')
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      vary: 'accept',
    },
    body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style><h1>${title}</h1><dl>${body}</dl></html>`,
  }
}

/** Our own texts, whose backquotes mark code; they hold nothing from outside. */
function withCode(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/`([^`]*)`/g, '<code>$1</code>')
}
