/** The reference page of the API: Swagger UI from its package, on the OpenAPI document that this server answers. */

import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance } from 'fastify'

/** Files by their path below `/docs/api`: the folder they are in, and their type. */
const files = {
  '': ['ours', 'page.html', 'text/html; charset=utf-8'],
  '/page.css': ['ours', 'page.css', 'text/css; charset=utf-8'],
  '/page.js': ['ours', 'page.js', 'text/javascript; charset=utf-8'],
  '/swagger-ui.css': ['theirs', 'swagger-ui.css', 'text/css; charset=utf-8'],
  '/swagger-ui-bundle.js': ['theirs', 'swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
} as const

/** The page calls this server and nobody else, also when a reader tries a call out. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'content-security-policy': contentSecurityPolicy,
  // Kept by the browser, and asked for again by its tag.
  'cache-control': 'no-cache',
  'cross-origin-resource-policy': 'same-origin',
}

const folderOf = {
  ours: () => join(import.meta.dirname, 'api'),
  theirs: () => dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json'))),
}

type Content = { readonly plain: Buffer; readonly compressed: Buffer; readonly tag: string }

async function read(folder: keyof typeof folderOf, name: string): Promise<Content> {
  const plain = await readFile(join(folderOf[folder](), name))
  return { plain, compressed: await promisify(gzip)(plain), tag: `W/"${hash('sha256', plain, 'base64url')}"` }
}

/** Registers `GET /docs/api` and its files. Each is read and compressed when it is first asked for. */
export async function apiPages(app: FastifyInstance): Promise<void> {
  for (const [path, [folder, name, type]] of Object.entries(files)) {
    let content: Promise<Content> | undefined
    app.get(`/docs/api${path}`, async (request, reply) => {
      content ??= read(folder, name)
      const { plain, compressed, tag } = await content
      reply.headers(headers).type(type).header('etag', tag).header('vary', 'accept-encoding')
      if (request.headers['if-none-match'] === tag) return reply.code(304).send()
      if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(plain)
      return reply.header('content-encoding', 'gzip').send(compressed)
    })
  }
}
