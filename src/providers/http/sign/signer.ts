/** Chooses the way of signing by its name in the block. Each way is a file of its own. */

import type { RequestRules, SignerName } from '../../../config/carriers/block-schema.ts'
import { createCompiler, type Render, type Values } from '../../../liquid.ts'
import type { Outgoing } from '../outgoing.ts'
import { aliyunAcs3 } from './aliyun-acs3.ts'
import { awsSigv4 } from './aws-sigv4.ts'
import { basic } from './basic.ts'
import { bearer } from './bearer.ts'
import { hmac } from './hmac.ts'
import { huaweiSdkHmacSha256 } from './huawei-sdk-hmac-sha256.ts'
import type { Parameter, Signer } from './signature.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { tencentTc3 } from './tencent-tc3.ts'

const signers: Readonly<Record<SignerName, Signer>> = {
  aliyunAcs3,
  awsSigv4,
  basic,
  bearer,
  hmac,
  huaweiSdkHmacSha256,
  standardWebhooks,
  tencentTc3,
}

/** @param sign  Of the block: one way with its parameters; undefined: none. */
export function signerOf(
  sign: RequestRules['sign'],
): (request: Outgoing, values: Values, nowMs: number) => Readonly<Record<string, string>> {
  const [way, parameters] = Object.entries(sign ?? {})[0] ?? []
  if (way === undefined) return () => ({})
  const signer = signers[way as SignerName]
  const compile = createCompiler()
  const renders = new Map<string, Render>()
  for (const [name, template] of Object.entries(parameters as Readonly<Record<string, string>>))
    renders.set(name, compile(template))
  return (request, values, nowMs) => {
    const { method, path, body } = request
    const parameter: Parameter = (name, more) =>
      renders.get(name)?.({ ...values, method, path, body, signature: '', ...more }) ?? ''
    return signer(request, parameter, nowMs)
  }
}
