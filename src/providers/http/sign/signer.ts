/** Chooses the way of signing by its name in the block. Each way is a file of its own. */

import type { RequestRules, SignerName } from '../../../config/carriers/block-schema.ts'
import { createCompiler, namesIn, type Render, type Values } from '../../../liquid.ts'
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

/** Names that a parameter may use besides the message's values. */
const signingNames = ['method', 'path', 'body', 'signature']

/** @param sign  Of the block: one way with its parameters; undefined: none. */
export function signerOf(
  sign: RequestRules['sign'],
): (request: Outgoing, values: Values, nowMs: number) => Readonly<Record<string, string>> {
  const [way, parameters] = Object.entries(sign ?? {})[0] ?? []
  if (way === undefined) return () => ({})
  const signer = signers[way as SignerName]
  const compile = createCompiler()
  const renders = new Map<string, { readonly render: Render; readonly isOfRequest: boolean }>()
  for (const [name, template] of Object.entries(parameters as Readonly<Record<string, string>>)) {
    const names = namesIn(template)
    renders.set(name, {
      render: compile(template),
      isOfRequest: signingNames.some((one) => names.has(one)),
    })
  }
  return (request, values, nowMs) => {
    const { method, path, body } = request
    const parameter: Parameter = (name, more) => {
      const one = renders.get(name)
      if (!one) return ''
      return one.render(one.isOfRequest ? { ...values, method, path, body, signature: '', ...more } : values)
    }
    return signer(request, parameter, nowMs)
  }
}
