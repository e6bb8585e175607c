/** ACS3-HMAC-SHA256, the signature of Alibaba Cloud's OpenAPI, version 3. */

import { canonicalRequest, hmacSha256, hostOf, sha256Hex } from './canonical-request.ts'
import type { Signer } from './signature.ts'

export const aliyunAcs3: Signer = (request, parameter, nowMs) => {
  const hashedBody = sha256Hex(request.body)
  const added = {
    'x-acs-content-sha256': hashedBody,
    'x-acs-date': new Date(nowMs).toISOString().replace(/\.\d+/, ''),
    'x-acs-signature-nonce': parameter('nonce'),
  }
  const headers = { ...request.headers, ...added, host: hostOf(request) }
  const signed = Object.fromEntries(
    Object.entries(headers).filter(([name]) => /^(x-acs-|host$|content-type$)/.test(name)),
  )
  const canonical = canonicalRequest(request, signed, hashedBody)
  const text = ['ACS3-HMAC-SHA256', sha256Hex(canonical.text)].join('\n')
  const signature = hmacSha256(parameter('secretKey'), text).toString('hex')
  return {
    ...added,
    authorization: `ACS3-HMAC-SHA256 Credential=${parameter('accessKey')},SignedHeaders=${canonical.signedHeaders},Signature=${signature}`,
  }
}
