/** The values that templates insert: those of each message, as phrases of its language. */

import type { Channel } from '../message/channel.ts'
import type { MessageTemplate } from '../message/message.ts'

export const locales = ['zh-CN', 'en-US'] as const
export type Locale = (typeof locales)[number]

/** The variables of each template. A carrier with template ids gets the first three, in this order. */
export const declared: Readonly<Record<MessageTemplate, readonly string[]>> = {
  code: ['code', 'lifetime', 'product', 'signature', 'reference', 'spoken'],
  'contact-changed': ['contact', 'time', 'product', 'signature', 'reference', 'undo'],
  'password-changed': ['time', 'product', 'signature', 'reference'],
  'temporary-password': ['account', 'password', 'product', 'signature', 'reference'],
  'recovery-started': ['contact', 'time', 'product', 'signature', 'reference', 'undo'],
}

export type Values = Readonly<Record<string, string>>

/**
 * The most characters of a contact in an SMS. In Chinese one part has so many left besides the longest signature: enough
 * for any masked phone number, and for the beginning and end of a mailbox.
 */
const maxSmsContact: Readonly<Record<Locale, number>> = { 'zh-CN': 16, 'en-US': 28 }

/**
 * @param given  `code` and `lifetimeMs` for a code; `contact` (masked; empty: there is none any more) and `changedAt` (ms; also
 *   ahead) for notices; `account` and `password` for a temporary password.
 * @param common  The product and the signature.
 * @throws Error if a value that the message needs is missing.
 */
export function valuesOf(
  template: MessageTemplate,
  channel: Channel,
  locale: Locale,
  messageId: string,
  given: Values,
  common: { readonly product: string; readonly signature: string },
): Values {
  const { product, signature } = common
  if (template === 'code') {
    const lifetime = lifetimeIn(locale, Number(required(given, 'lifetimeMs')))
    const code = oneLine(required(given, 'code'))
    return {
      code,
      lifetime,
      product,
      signature,
      // Most messages need neither of these, and they take longer than all others.
      get reference() {
        return referenceOf(messageId)
      },
      // Digit by digit, because a voice would read the whole as a number of hundred thousands.
      get spoken() {
        return [...code].join(locale === 'zh-CN' ? '，' : ', ')
      },
    }
  }
  const everyNotice = { product, signature, reference: referenceOf(messageId) }
  if (template === 'temporary-password') {
    const account = oneLine(required(given, 'account'))
    return {
      account: channel === 'sms' ? shortened(account, maxSmsContact[locale]) : account,
      password: oneLine(required(given, 'password')),
      ...everyNotice,
    }
  }
  return {
    ...(template === 'contact-changed' && { contact: contactIn(locale, channel, given) }),
    time: timeIn(locale, new Date(Number(required(given, 'changedAt'))).toISOString()),
    ...everyNotice,
    // Empty in a notice that an older version has queued.
    ...(template === 'contact-changed' && { undo: given.undo ?? '' }),
  }
}

/** Makes a value part of a line: without line ends, and without characters that reorder or hide text. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
}

function required(given: Values, name: string): string {
  const value = given[name]
  if (value === undefined || value === '') throw new Error(`a message needs the value ${name}`)
  return value
}

/** The words for a contact that was removed. */
const none: Readonly<Record<Locale, string>> = { 'zh-CN': '无', 'en-US': 'none' }

function contactIn(locale: Locale, channel: Channel, given: Values): string {
  if (given.contact === '') return none[locale]
  const contact = oneLine(required(given, 'contact'))
  return channel === 'sms' ? shortened(contact, maxSmsContact[locale]) : contact
}

/** A reference of letters only, because phones take any group of 4 to 8 digits for a code. */
function referenceOf(messageId: string): string {
  return messageId.slice(0, 6).replace(/[0-9]/g, (digit) => 'ghijklmnop'[Number(digit)]!)
}

/** e.g. `1 minute`, `90 seconds`. */
function lifetimeIn(locale: Locale, ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  const isWhole = seconds % 60 === 0
  const count = isWhole ? seconds / 60 : seconds
  if (locale === 'zh-CN') return `${count}${isWhole ? '分钟' : '秒'}`
  return `${count} ${isWhole ? 'minute' : 'second'}${count === 1 ? '' : 's'}`
}

/** Universal time without the year, so that no four digits stand together. */
function timeIn(locale: Locale, iso: string): string {
  const [, month = '', day = '', clock = ''] = /^\d+-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(iso) ?? []
  if (locale === 'zh-CN') return `${Number(month)}月${Number(day)}日 ${clock} UTC`
  const names = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  return `${Number(day)} ${names[Number(month) - 1]} ${clock} UTC`
}

/**
 * Shortens a masked contact: `j***@a-very-long-name.example.com` to `j***@..ple.com`. A character that GSM-7 lacks, or
 * counts twice, becomes a star: it would turn an English message into UCS-2 of two parts.
 */
function shortened(contact: string, longest: number): string {
  const plain = contact.replace(/[^\w@.*+-]/gu, '*')
  if (plain.length <= longest) return plain
  const head = plain.slice(0, plain.indexOf('@') + 1)
  return `${head}..${plain.slice(head.length + 2 - longest)}`
}
