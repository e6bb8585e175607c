/** The self-signed certificate of development: made at first start, kept, renewed when it runs out. */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeSecretFile } from './data-folder.ts'

const lifeDays = 730
/** Renewed this long before its end, so that no session sees it run out. */
const renewalMs = 7 * 86_400_000

/** Makes the certificate if there is none that is good at `now`. @returns Whether it was made. */
export async function ensureCertificate(
  { certificateFile, keyFile }: { readonly certificateFile: string; readonly keyFile: string },
  now: Date,
): Promise<boolean> {
  if (existsSync(certificateFile) && existsSync(keyFile) && isGood(certificateFile, keyFile, now))
    return false
  // Loaded only here: it costs a start some 100 ms, once.
  const { generate } = await import('selfsigned')
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now.getTime() - 3_600_000),
    notAfterDate: new Date(now.getTime() + lifeDays * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  writeSecretFile(keyFile, made.private)
  writeSecretFile(certificateFile, made.cert)
  return true
}

/** Not good, too: one that cannot be read, or is not the key's, as a start cut off midway may leave. */
function isGood(certificateFile: string, keyFile: string, now: Date): boolean {
  try {
    const present = new X509Certificate(readFileSync(certificateFile))
    const lasts = present.validToDate.getTime() - renewalMs > now.getTime()
    return lasts && present.checkPrivateKey(createPrivateKey(readFileSync(keyFile)))
  } catch {
    return false
  }
}
