import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureCertificate } from '../config/certificate.ts'
import { createServer } from './server.ts'

test('who connects and says nothing, not even a greeting of TLS, does not hold the end up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-server-'))
  const files = { certificateFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
  await ensureCertificate(files, new Date())
  const tls = { cert: readFileSync(files.certificateFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') }
  rmSync(folder, { recursive: true })
  for (const how of [null, tls]) {
    const server = createServer({ tls: how, trustedProxies: [], onAnswer() {} })
    await server.listen({ host: '127.0.0.1', port: 0 })
    const silent = connect((server.server.address() as AddressInfo).port, '127.0.0.1')
    try {
      await once(server.server, 'connection')
      // A bound of the test, far from the 120 s that Node gives a greeting.
      const late = new Promise((resolve) => setTimeout(resolve, 20_000, 'late').unref())
      assert.notEqual(await Promise.race([server.close(), late]), 'late')
    } finally {
      silent.destroy()
    }
  }
})
