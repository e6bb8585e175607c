/** The client as npm packs it: what is in it, how small it is, and that TypeScript reads its types. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { type ClientPackage, packClient } from './client-package.ts'

const run = promisify(execFile)
const tsc = join(import.meta.dirname, '..', 'node_modules', '.bin', 'tsc')
let client: ClientPackage
before(async () => {
  client = await packClient()
})
after(() => client[Symbol.dispose]())

const textOf = (path: string) => readFileSync(join(client.folder, path), 'utf8')

test('the package has code with types, a licence and a page, and nothing else', () => {
  const [code, other] = [
    client.files.filter((path) => path.startsWith('dist/')),
    client.files.filter((path) => !path.startsWith('dist/')),
  ]
  assert.deepEqual(other, ['LICENSE', 'README.md', 'package.json'])
  assert.ok(code.includes('dist/index.js') && code.includes('dist/testing.d.ts'))
  for (const path of code) assert.match(path, /^dist\/[a-z-]+\.(js|d\.ts)$/)
})

test('the package depends on nothing and runs nothing when it is installed', () => {
  const { dependencies, peerDependencies, scripts } = JSON.parse(textOf('package.json')) as Record<
    string,
    object
  >
  assert.deepEqual([dependencies, peerDependencies], [undefined, undefined])
  assert.deepEqual(
    Object.keys(scripts ?? {}).filter((name) => /install|prepare/.test(name)),
    [],
  )
  for (const path of client.files.filter((one) => one.endsWith('.js')))
    for (const [, from] of textOf(path).matchAll(/\bfrom '([^']+)'|import\('([^']+)'\)/g))
      assert.match(from!, /^\.\//)
})

/** Without comments, as it is packed, and not minified: a bundler makes less of it. */
test('the code of the client is less than 6 kB, compressed as one file', () => {
  const code = client.files
    .filter((path) => path.endsWith('.js') && !['dist/testing.js', 'dist/element.js'].includes(path))
    .map(textOf)
    .join('')
  const bytes = gzipSync(code, { level: 9 }).length
  assert.ok(bytes < 6000, `${bytes} bytes`)
})

for (const moduleResolution of ['nodenext', 'bundler'])
  test(`TypeScript reads its types by ${moduleResolution}, as strictly as it can`, async () => {
    const options = {
      module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext',
      moduleResolution,
      target: 'es2022',
      lib: ['es2022', 'dom'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
    }
    writeFileSync(join(client.project, 'package.json'), '{"type":"module"}')
    writeFileSync(
      join(client.project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['use.ts'] }),
    )
    writeFileSync(
      join(client.project, 'use.ts'),
      `import { Countersign, CountersignError, proofs, webhooks, type Verification } from '@countersign/client'
import { TestClient } from '@countersign/client/testing'
import type { CountersignCode } from '@countersign/client/element'
const field: CountersignCode = document.querySelector('countersign-code')!
field.addEventListener('countersign-submit', ({ detail }) => field.refuse({ reason: 'wrong', submissions_left: detail.code.length }))
const key: string | undefined = undefined
const client = new Countersign({ url: 'https://otp.example.com', key }).withOptions({ timeoutMs: 1000 })
const started: Verification = await client.verifications.start({ to: '+8613800138000', subject: 'u_42' })
const outcome = await client.verifications.check(started.id, '123456', { signal: AbortSignal.timeout(1) })
export const proof: string | undefined = outcome.result === 'verified' ? outcome.proof : undefined
export const left: number | undefined = outcome.result === 'refused' ? outcome.submissions_left : undefined
// @ts-expect-error A channel is one of those that there are.
await client.verifications.start({ to: 'a@b.example', channel: 'pigeon' })
// @ts-expect-error A field that the server would refuse.
await client.verifications.start({ to: 'a@b.example', chanel: 'sms' })
for await (const event of client.events({ after: undefined })) {
  const id: string = event.id
  if (id) break
}
await webhooks.verify(new Request('https://a.example'), [key, 'whsec_'])
await proofs.verify('', { url: 'https://otp.example.com', audience: 'app' })
export const isOurs = (error: unknown) => error instanceof CountersignError && error.type === 'rate-limited'
export const test = new TestClient({ url: '', key, inbox: '' }).codeFor('+8613800138000')
`,
    )
    await run(tsc, ['-p', client.project]).catch((error: { stdout: string }) => assert.fail(error.stdout))
  })
