/** SDK-HMAC-SHA256, the signature of Huawei Cloud's API gateway for access keys. */

import { canonicalRequest, compactTime, hmacSha256, hostOf, sha256Hex } from './canonical-request.ts'
import type { Signer } from './signature.ts'

export const huaweiSdkHmacSha256: Signer = (request, parameter, nowMs) => {
  const time = compactTime(nowMs)
  const headers = { ...request.headers, host: hostOf(request), 'x-sdk-date': time }
  const canonical = canonicalRequest(request, headers, sha256Hex(request.body), { hasClosingSlash: true })
  const text = ['SDK-HMAC-SHA256', time, sha256Hex(canonical.text)].join('\n')
  const signature = hmacSha256(parameter('secretKey'), text).toString('hex')
  return {
    'x-sdk-date': time,
    authorization: `SDK-HMAC-SHA256 Access=${parameter('accessKey')}, SignedHeaders=${canonical.signedHeaders}, Signature=${signature}`,
  }
}
