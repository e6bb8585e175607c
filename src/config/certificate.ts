/** Certificates: what is wrong with one, and the self-signed one of development, renewed when it runs out. */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { replaceSecretFile } from '../secret-file.ts'
import { whyUnreadable } from './files.ts'

export type CertificateFiles = { readonly certificateFile: string; readonly keyFile: string }

const lifeDays = 730
/** Renewed this long before its end, so that no session sees it run out. */
const renewalMs = 7 * 86_400_000

/** Makes the certificate if there is none that is good at `now`. @returns Whether it was made. */
export async function ensureCertificate(files: CertificateFiles, now: Date): Promise<boolean> {
  if (isGood(files, now)) return false
  const { certificateFile, keyFile } = files
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
  replaceSecretFile(keyFile, () => made.private)
  replaceSecretFile(certificateFile, () => made.cert)
  return true
}

/** Not good, too: one that cannot be read, or is not the key's, as a start cut off midway may leave. */
function isGood(files: CertificateFiles, now: Date): boolean {
  const found = examineCertificate(files, now)
  return found.problems.length === 0 && found.lastsMs > renewalMs
}

/**
 * Whether a server can offer a certificate.
 * @returns Each problem in words that begin with the file's name; `lastsMs`: how much longer it is valid.
 */
export function examineCertificate(
  { certificateFile, keyFile }: CertificateFiles,
  now: Date,
): { readonly problems: readonly string[]; readonly lastsMs: number } {
  const missing = [certificateFile, keyFile].flatMap((path) => whyUnreadable(path) ?? [])
  if (missing.length > 0) return { problems: missing, lastsMs: 0 }
  const certificate = attempt(() => new X509Certificate(readFileSync(certificateFile)))
  const key = attempt(() => createPrivateKey(readFileSync(keyFile)))
  const problems: string[] = []
  if (!certificate) problems.push(`${certificateFile} is no certificate in PEM`)
  if (!key) problems.push(`${keyFile} is no private key in PEM without a password`)
  if (!certificate) return { problems, lastsMs: 0 }
  if (key && !certificate.checkPrivateKey(key))
    problems.push(`${keyFile} is not the key of ${certificateFile}`)
  const lastsMs = certificate.validToDate.getTime() - now.getTime()
  if (lastsMs <= 0)
    problems.push(`${certificateFile} ran out on ${certificate.validToDate.toISOString()}; renew it`)
  if (certificate.validFromDate.getTime() > now.getTime())
    problems.push(`${certificateFile} is not valid yet; is the clock right?`)
  return { problems, lastsMs }
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
