/** Certificates: finds the problems of one, and makes and renews the self-signed one of development. */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { replaceSecretFile } from '../secret-file.ts'
import { whyUnreadable } from './files.ts'

export type CertificateFiles = { readonly certificateFile: string; readonly keyFile: string }

const lifeDays = 730
/** How long before its end the certificate is renewed, so that it does not expire while a server runs. */
const renewalMs = 7 * 86_400_000

/** Makes the certificate unless there is a good one at `now`. @returns Whether it was made. */
export async function ensureCertificate(files: CertificateFiles, now: Date): Promise<boolean> {
  if (isGood(files, now)) return false
  const { certificateFile, keyFile } = files
  // Loaded only when needed, because it adds some 100 ms to a start.
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

/** A certificate that cannot be read, or does not belong to the key, is not good: a start cut off midway may leave one. */
function isGood(files: CertificateFiles, now: Date): boolean {
  const found = examineCertificate(files, now)
  return found.problems.length === 0 && found.lastsMs > renewalMs
}

/**
 * Checks whether a server can offer a certificate.
 * @returns The problems, each beginning with the file's name; `lastsMs`: how much longer the certificate is valid.
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
