/** AWS Signature Version 4, for services that take their parameters in the body. */

import { canonicalRequest, compactTime, hmacSha256, hostOf, sha256Hex } from './canonical-request.ts'
import type { Signer } from './signature.ts'

export const awsSigv4: Signer = (request, parameter, nowMs) => {
  const time = compactTime(nowMs)
  const date = time.slice(0, 8)
  const [region, service] = [parameter('region'), parameter('service')]
  const headers = { ...request.headers, host: hostOf(request), 'x-amz-date': time }
  const canonical = canonicalRequest(request, headers, sha256Hex(request.body))
  const scope = `${date}/${region}/${service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256Hex(canonical.text)].join('\n')
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    hmacSha256,
    `AWS4${parameter('secretKey')}`,
  )
  const signature = hmacSha256(key, text).toString('hex')
  return {
    'x-amz-date': time,
    authorization: `AWS4-HMAC-SHA256 Credential=${parameter('accessKey')}/${scope}, SignedHeaders=${canonical.signedHeaders}, Signature=${signature}`,
  }
}
