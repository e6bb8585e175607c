/** TC3-HMAC-SHA256, the signature of Tencent Cloud's API, version 3. */

import { canonicalRequest, hmacSha256, hostOf, sha256Hex } from './canonical-request.ts'
import type { Signer } from './signature.ts'

export const tencentTc3: Signer = (request, parameter, nowMs) => {
  const timestamp = String(Math.floor(nowMs / 1000))
  const date = new Date(nowMs).toISOString().slice(0, 10)
  const service = parameter('service')
  const headers = { 'content-type': request.headers['content-type'] ?? '', host: hostOf(request) }
  const canonical = canonicalRequest(request, headers, sha256Hex(request.body))
  const scope = `${date}/${service}/tc3_request`
  const text = ['TC3-HMAC-SHA256', timestamp, scope, sha256Hex(canonical.text)].join('\n')
  const key = [date, service, 'tc3_request'].reduce<string | Buffer>(
    hmacSha256,
    `TC3${parameter('secretKey')}`,
  )
  const signature = hmacSha256(key, text).toString('hex')
  return {
    'x-tc-timestamp': timestamp,
    authorization: `TC3-HMAC-SHA256 Credential=${parameter('accessKey')}/${scope}, SignedHeaders=${canonical.signedHeaders}, Signature=${signature}`,
  }
}
