/** Every error code of the Huawei Cloud Meeting dialect: status, messages and how sure the number is. */

import type { Locale } from './locale.ts'

/**
 * documented: number and meaning are in the public API reference · meaning: only the meaning is there, the number is
 * inferred from it · number: the number is inferred · ours: the reference is silent.
 */
export type Standing = 'documented' | 'meaning' | 'number' | 'ours'

export type WireError = {
  readonly status: number
  readonly zh: string
  readonly en: string
  readonly standing: Standing
}

/** `{name}` in a message stands for a detail. docs/errors.md is made from this table. */
export const wireErrors = {
  'USG.000000001': {
    status: 500,
    zh: '系统繁忙，请稍后再试。',
    en: 'The system is busy. Try again later.',
    standing: 'documented',
  },
  'USG.000000002': {
    status: 500,
    zh: '服务器内部错误。',
    en: 'Internal server error.',
    standing: 'documented',
  },
  'USG.000000003': {
    status: 400,
    zh: '参数 {field} 无效：{problem}。',
    en: 'Invalid parameter {field}: {problem}.',
    standing: 'number',
  },
  'USG.000000004': { status: 401, zh: '令牌无效。', en: 'Invalid token.', standing: 'documented' },
  'USG.000000005': {
    status: 403,
    zh: '该应用无权调用此接口。',
    en: 'This app may not call this API.',
    standing: 'ours',
  },
  'USG.000000006': {
    status: 404,
    zh: '没有此接口：{method} {path}。',
    en: 'There is no such API: {method} {path}.',
    standing: 'ours',
  },
  'USG.000000007': {
    status: 405,
    zh: '此接口不支持 {method}，请使用 {allowed}。',
    en: 'This API does not take {method}. Use {allowed}.',
    standing: 'ours',
  },
  'USG.000000008': {
    status: 403,
    zh: '您的角色无权执行此操作。',
    en: 'Your role may not do this.',
    standing: 'ours',
  },
  'USG.000000009': {
    status: 403,
    zh: '当前密码为临时密码，请先修改密码。',
    en: 'The password is temporary. Change it first.',
    standing: 'ours',
  },
  'USG.206020000': {
    status: 401,
    zh: '访问令牌缺失、无效或已过期，请重新登录。',
    en: 'The access token is missing, unknown or expired. Log in again.',
    standing: 'documented',
  },
  'USG.206010000': {
    status: 401,
    zh: '帐号或密码错误。',
    en: 'Wrong account or password.',
    standing: 'documented',
  },
  'USG.206010007': {
    status: 403,
    zh: '该用户已停用，请联系管理员。',
    en: 'The member is disabled. Contact the administrator.',
    standing: 'meaning',
  },
  'USG.206030015': {
    status: 423,
    zh: '密码错误次数过多，帐号已锁定，请在 {seconds} 秒后重试。',
    en: 'Too many wrong passwords. The account is locked; try again in {seconds} seconds.',
    standing: 'documented',
  },
  'USG.206010025': {
    status: 401,
    zh: 'App ID 鉴权失败。',
    en: 'App ID authentication failed.',
    standing: 'documented',
  },
  'USG.206010057': {
    status: 401,
    zh: 'App ID 签名已过期。',
    en: 'The App ID signature has expired.',
    standing: 'documented',
  },
  'USG.206010011': {
    status: 400,
    zh: '验证码不能为空。',
    en: 'The verification code must not be empty.',
    standing: 'documented',
  },
  'USG.206030001': {
    status: 400,
    zh: '验证码错误或已过期，请重新获取。',
    en: 'The verification code is wrong or has expired. Get a new one.',
    standing: 'documented',
  },
  'USG.206030019': {
    status: 400,
    zh: '验证码错误次数过多，请在 {seconds} 秒后重新获取。',
    en: 'Too many verification codes were entered. Get a new one in {seconds} seconds.',
    standing: 'documented',
  },
  'USG.206030004': {
    status: 400,
    zh: '暂不能重新发送验证码，请在 {seconds} 秒后重试。',
    en: 'A new verification code cannot be sent yet. Try again in {seconds} seconds.',
    standing: 'documented',
  },
  'USG.206060008': {
    status: 400,
    zh: '验证码发送已被限制，请在 {seconds} 秒后重试。',
    en: 'Sending verification codes is locked. Try again in {seconds} seconds.',
    standing: 'meaning',
  },
  'USG.206030003': {
    status: 400,
    zh: '没有可到达该联系方式的通道。',
    en: 'No channel reaches this contact.',
    standing: 'meaning',
  },
  'USG.206030023': {
    status: 500,
    zh: '验证码发送失败，请稍后再试。',
    en: 'Sending the verification code failed. Try again later.',
    standing: 'documented',
  },
  'USG.201040042': {
    status: 400,
    zh: '当前联系方式未验证或验证已过期，请先验证当前联系方式。',
    en: 'The current contact was not verified, or too long ago. Verify it first.',
    standing: 'meaning',
  },
  'USG.201040043': {
    status: 400,
    zh: '联系方式的更改刚被撤销，请在 {seconds} 秒后再更改。',
    en: 'A change of a contact was just undone. Change it in {seconds} seconds.',
    standing: 'ours',
  },
  'USG.201040044': {
    status: 400,
    zh: '该成员已有正在等待的联系方式恢复。',
    en: 'A recovery of this member is under way. Cancel it first.',
    standing: 'ours',
  },
  'USG.201040045': {
    status: 400,
    zh: '该成员没有正在等待的联系方式恢复。',
    en: 'No recovery of this member is under way.',
    standing: 'ours',
  },
  'USG.206010065': {
    status: 400,
    zh: '该手机号已被其他成员绑定。',
    en: 'The mobile number is already bound to another member.',
    standing: 'documented',
  },
  'USG.206010066': {
    status: 400,
    zh: '该邮箱已被其他成员绑定。',
    en: 'The e-mail address is already bound to another member.',
    standing: 'documented',
  },
  'USG.201040025': {
    status: 400,
    zh: '国家（地区）与手机号不匹配。',
    en: 'The country does not match the mobile number.',
    standing: 'number',
  },
  'USG.201040016': {
    status: 400,
    zh: '密码强度不足：须为 8 至 32 个字符，至少含两种字符，同一字符不得连续三次，不得与帐号或其倒序相同，且不得为常见密码。',
    en: 'The password is too weak: it takes 8 to 32 characters of at least two kinds, none three times running, and must not be the account, its reverse, or a common password.',
    standing: 'documented',
  },
  'USG.206010010': {
    status: 400,
    zh: '请先完成滑块验证。',
    en: 'Solve the slide puzzle first.',
    standing: 'documented',
  },
  'USG.206010012': {
    status: 400,
    zh: '滑块验证未通过，请重试。',
    en: 'The piece is not in its place. Try again.',
    standing: 'documented',
  },
  'USG.206060009': {
    status: 400,
    zh: '发送验证码前需完成滑块验证。',
    en: 'A slide puzzle must be solved before a code is sent.',
    standing: 'documented',
  },
  'USG.206060010': {
    status: 400,
    zh: '滑块验证已失效，请重新获取。',
    en: 'The slide puzzle is unknown, used or over. Get a new one.',
    standing: 'documented',
  },
  'USG.201040000': {
    status: 400,
    zh: '成员不存在{which}。',
    en: 'There is no such member{which}.',
    standing: 'documented',
  },
} as const satisfies Record<string, WireError>

export type WireCode = keyof typeof wireErrors

/** An answer other than success, on its way to a caller. */
export type Refusal = {
  readonly code: WireCode
  /** The status, if it is not the usual one of the code. */
  readonly status?: number
  readonly retryAfterMs?: number
  /** Texts for the message's `{name}`s, one for all languages or one for each. Never a secret or an address. */
  readonly details?: Readonly<Record<string, string | Readonly<Record<Locale, string>>>>
}

/** The message of a refusal in the caller's language. */
export function messageOf({ code, retryAfterMs, details }: Refusal, locale: Locale): string {
  const { zh, en } = wireErrors[code]
  return (locale === 'en-US' ? en : zh).replace(/\{(\w+)\}/g, (_, name: string) => {
    if (name === 'seconds') return String(secondsOf(retryAfterMs ?? 0))
    const detail = details?.[name]
    return typeof detail === 'object' ? detail[locale] : (detail ?? '')
  })
}

/** Whole seconds to wait, rounded up so that the wait is long enough. */
export function secondsOf(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1000))
}
