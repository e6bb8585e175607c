/** The hosted page: a person enters a number or mailbox, then the code, and goes back to the page they came from. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'

/** What the page of a session looks like, and who may show it in a frame. */
export type ShownSession = {
  /** null: the language of the browser. */
  readonly locale: string | null
  readonly theme: string
  readonly frameAncestors: readonly string[]
}

const scripts = ['countersign-code.js', 'page.js', 'ask.js', 'texts.js']

/** Any page may load the field, and people who come back find these files in their browser. */
const assetHeaders = {
  'cache-control': 'public, max-age=600',
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
}

/** No inline script or style, no request elsewhere, and a frame only in pages that the app has listed. */
function contentSecurityPolicy(frameAncestors: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${frameAncestors.length > 0 ? frameAncestors.join(' ') : "'none'"}`,
  ].join('; ')
}

/**
 * Registers `GET /verify/{session}` and the files of the page below `/verify/`. The page holds no secret and changes
 * nothing: its script makes the calls of `/v1/public/sessions/`.
 * @param find  The session of a token; undefined: there is none, which the page shows with status 404.
 */
export async function verifyPages(
  app: FastifyInstance,
  { find }: { readonly find: (token: string) => ShownSession | undefined },
): Promise<void> {
  const read = (file: string) => readFile(join(import.meta.dirname, 'verify', file), 'utf8')
  const page = await read('page.html')
  for (const file of scripts) await serve(file, 'text/javascript; charset=utf-8')
  await serve('page.css', 'text/css; charset=utf-8')

  async function serve(file: string, type: string): Promise<void> {
    const content = await read(file)
    app.get(`/verify/${file}`, (_request, reply) => reply.headers(assetHeaders).type(type).send(content))
  }

  app.get<{ Params: { session: string } }>('/verify/:session', ({ params, headers }, reply) => {
    const session = find(params.session)
    const locale = session?.locale ?? headers['accept-language'] ?? ''
    const frameAncestors = session?.frameAncestors ?? []
    reply.header('content-security-policy', contentSecurityPolicy(frameAncestors))
    // It knows no list of origins, and some browsers would obey it besides the policy.
    if (frameAncestors.length > 0) reply.removeHeader('x-frame-options')
    return reply
      .code(session ? 200 : 404)
      .header('cross-origin-opener-policy', 'same-origin')
      .type('text/html; charset=utf-8')
      .send(
        page
          .replace('lang="en"', `lang="${/^zh/i.test(locale) ? 'zh-CN' : 'en-US'}"`)
          .replace('data-theme="auto"', `data-theme="${session?.theme ?? 'auto'}"`),
      )
  })
}
