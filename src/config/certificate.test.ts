import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { ensureCertificate } from './certificate.ts'

const dayMs = 86_400_000
let files = { certificateFile: '', keyFile: '' }
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  files = { certificateFile: join(folder, 'tls', 'certificate.pem'), keyFile: join(folder, 'tls', 'key.pem') }
})
afterEach(() => rmSync(folder, { recursive: true }))

const made = () => new X509Certificate(readFileSync(files.certificateFile))

test('the certificate is for this machine’s names, on a P-256 key that only its owner reads', async () => {
  const now = new Date()
  assert.equal(await ensureCertificate(files, now), true)
  const certificate = made()
  assert.ok(certificate.checkHost('localhost'))
  assert.ok(certificate.checkIP('127.0.0.1'))
  assert.ok(certificate.checkIP('::1'))
  assert.equal(certificate.checkHost('example.com'), undefined)
  const key = createPrivateKey(readFileSync(files.keyFile))
  assert.ok(certificate.checkPrivateKey(key))
  assert.equal(key.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.equal(statSync(files.keyFile).mode & 0o777, 0o600)
  assert.ok(certificate.validFromDate <= now)
  assert.ok(certificate.validToDate.getTime() - now.getTime() >= 365 * dayMs)
})

test('a good certificate is kept, one about to run out is renewed', async () => {
  const now = new Date()
  await ensureCertificate(files, now)
  const { serialNumber, validToDate } = made()
  assert.equal(await ensureCertificate(files, new Date(validToDate.getTime() - 8 * dayMs)), false)
  assert.equal(made().serialNumber, serialNumber)
  assert.equal(await ensureCertificate(files, new Date(validToDate.getTime() - dayMs)), true)
  assert.ok(made().validToDate > validToDate)
})

test('a certificate that cannot be read, or whose key is another, is made anew', async () => {
  const now = new Date()
  await ensureCertificate(files, now)
  writeFileSync(files.certificateFile, 'cut off')
  assert.equal(await ensureCertificate(files, now), true)
  const other = { certificateFile: join(folder, 'other.pem'), keyFile: join(folder, 'other.key') }
  await ensureCertificate(other, now)
  writeFileSync(files.keyFile, readFileSync(other.keyFile))
  assert.equal(await ensureCertificate(files, now), true)
  assert.ok(made().checkPrivateKey(createPrivateKey(readFileSync(files.keyFile))))
})
