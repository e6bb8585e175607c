/** Checks message templates by rendering each with its longest values, and finds the text that phones would offer. */

import { maskAddress } from '../address/address.ts'
import type { Channel } from '../message/channel.ts'
import type { MessageTemplate } from '../message/message.ts'
import { boundLineOf, pickUpsFrom } from './phone-pick-up.ts'
import type { CodeChoice, Rendered, RenderMessage } from './rendered-message.ts'
import { segmentsOf } from './sms-segments.ts'
import { type Locale, locales } from './template-values.ts'

/** The longest code that the settings allow. No other rule searches for a group of ten digits. */
const code = '0123456789'

const maxMailbox = `x@${`${'m'.repeat(60)}.`.repeat(4)}com`

const lateTime = String(Date.UTC(2030, 10, 28, 22, 58))
const notices = [
  maskAddress({ kind: 'phone', e164: '+861380013800099', region: 'CN' }),
  maskAddress({
    kind: 'email',
    mailbox: `李${maxMailbox}`,
    canonical: `李${maxMailbox}`,
    needsSmtpUtf8: true,
  }),
].map((contact) => ({ contact, changedAt: lateTime, undo: 'mmmmmmmm' }))

const samples: Readonly<Record<MessageTemplate, readonly Readonly<Record<string, string>>[]>> = {
  code: [
    { code, lifetimeMs: '60000' },
    { code, lifetimeMs: '599000' },
  ],
  'contact-changed': notices,
  'recovery-started': notices,
  'password-changed': [{ changedAt: lateTime }],
  'temporary-password': [{ account: 'm'.repeat(64), password: 'mmmm-mmmm-mmmm' }],
}

const fileParts: Readonly<Record<keyof Rendered & ('subject' | 'text' | 'html'), string>> = {
  subject: 'email.subject.txt',
  text: 'email.txt',
  html: 'email.html',
}

/** What every text is held to. */
export type TextRules = {
  readonly signature: string
  /** Parts that an SMS may take. */
  readonly maxParts: number
}

/**
 * @param choices  Templates of codes beside the usual one.
 * @param fileOf  Gives the name of a template's file, for people.
 * @returns Each problem with its file and its remedy; none if every message can go out.
 */
export function problemsOf(
  render: RenderMessage,
  rules: TextRules,
  choices: readonly CodeChoice[],
  fileOf: (name: string) => string,
): readonly string[] {
  const problems = new Set<string>()
  const add = (template: MessageTemplate, choice?: CodeChoice) => {
    for (const locale of locales)
      for (const { part, problem } of problemsIn(render, template, locale, rules, choice))
        problems.add(`${fileOf(`${stemOf(template, choice)}.${locale}.${part}`)}: ${problem}`)
  }
  for (const template of Object.keys(samples) as MessageTemplate[]) add(template)
  for (const choice of choices) add('code', choice)
  return [...problems]
}

/** The beginning of the names of a template's files. */
function stemOf(template: MessageTemplate, choice: CodeChoice | undefined): string {
  return choice ? `${template}-${choice.template}` : template
}

/** @returns Each problem of a template in one language, with the part of the message that has it. */
export function* problemsIn(
  render: RenderMessage,
  template: MessageTemplate,
  locale: Locale,
  { signature, maxParts }: TextRules,
  choice?: CodeChoice,
): Iterable<{ readonly part: string; readonly problem: string }> {
  for (const channel of ['sms', 'email', ...(template === 'code' ? (['voice'] as const) : [])] as const)
    for (const values of samples[template]) {
      let rendered: Rendered
      try {
        rendered = render(template, channel, locale, 'f'.repeat(32), values, choice)
      } catch (error) {
        const part = channel === 'email' ? 'email.*' : `${channel}.txt`
        yield { part, problem: (error as Error).message.split('\n')[0]! }
        continue
      }
      if (channel === 'voice') {
        for (const problem of voiceProblems(rendered.text, locale)) yield { part: 'voice.txt', problem }
        continue
      }
      const contact = values.contact === undefined ? '' : rendered.variables[0]!
      if (channel === 'sms')
        for (const problem of smsProblems(rendered.text, locale, signature, maxParts, contact))
          yield { part: 'sms.txt', problem }
      for (const name of ['subject', 'text', 'html'] as const) {
        const body = rendered[name]
        if (body === undefined) continue
        const part = channel === 'sms' ? 'sms.txt' : fileParts[name]
        const found =
          name === 'subject' ? subjectProblems(body) : bodyProblems(body, name === 'html', template, channel)
        for (const problem of found) yield { part, problem }
      }
    }
}

/**
 * The texts that phones would offer to fill in, for each message where it is not the code alone.
 * @returns Each with its file; none if phones offer the code of every message, and nothing else.
 */
export function pickUpsOf(
  render: RenderMessage,
  choices: readonly CodeChoice[],
  fileOf: (name: string) => string,
): readonly string[] {
  // Six digits, as most codes have: phones offer no group of ten.
  const values = {
    code: '052634',
    lifetimeMs: '60000',
    contact: 'j***@example.com',
    changedAt: '0',
    account: 'alice',
    password: 'ab2c-de3f-gh4j',
  }
  const of = (template: MessageTemplate, choice?: CodeChoice) =>
    (['sms', 'email'] as const).flatMap((channel) =>
      locales.flatMap((locale) => {
        const { text } = render(template, channel, locale, 'f'.repeat(32), values, choice)
        const notes = pickUpsFrom(text, template === 'code' ? values.code : '')
        return notes.map(
          (note) => `${fileOf(`${stemOf(template, choice)}.${locale}.${channel}.txt`)} ${note}`,
        )
      }),
    )
  return [
    ...(Object.keys(samples) as MessageTemplate[]).flatMap((template) => of(template)),
    ...choices.flatMap((choice) => of('code', choice)),
  ]
}

function* smsProblems(
  text: string,
  locale: Locale,
  signature: string,
  maxParts: number,
  contact: string,
): Iterable<string> {
  const { segments, encoding, units } = segmentsOf(text)
  // Each part costs money, and if one is lost, so is the message.
  if (segments < 1 || segments > maxParts)
    yield `takes ${segments} SMS parts (${units} units of ${encoding}); shorten it, or the product and signature in it, to ${encoding === 'gsm-7' ? 160 : 70}, or allow more with templates.smsParts`
  const withoutHost = text.slice(0, text.length - (boundLineOf(text)?.length ?? 0))
  const own = contact === '' ? withoutHost : withoutHost.replaceAll(contact, '')
  if (holdsLink(own)) yield 'holds a link; carriers filter those, take it out'
  if (locale === 'zh-CN' && !text.startsWith(`【${signature}】`)) yield 'must begin with 【{{ signature }}】'
}

export function holdsLink(text: string): boolean {
  return /:\/\/|www\.|[\w-]\.[a-z]{2,}\//i.test(text)
}

function* voiceProblems(text: string, locale: Locale): Iterable<string> {
  const spoken = [...code].join(locale === 'zh-CN' ? '，' : ', ')
  if (!text.includes(spoken) || text.includes(code))
    yield 'must say {{ spoken }}, digit by digit, and not {{ code }}'
}

function* subjectProblems(subject: string): Iterable<string> {
  if (/[\r\n]/.test(subject)) yield 'must be one line'
  if (subject.includes(code)) yield 'must not hold the code; lock screens and mail lists show subjects'
}

function* bodyProblems(
  body: string,
  isHtml: boolean,
  template: MessageTemplate,
  channel: Channel,
): Iterable<string> {
  const visible = isHtml ? visibleOf(body) : body
  if (template === 'code') {
    // The code may also be in the line that binds it, which is meant for phones and not for people.
    const bound = isHtml ? '' : (boundLineOf(body) ?? '')
    const told = visible.slice(0, visible.length - bound.length)
    // Counted in the source too, because programs read a second one in an attribute or a comment.
    if (told.split(code).length !== 2 || (isHtml && body.split(code).length !== 2))
      yield 'must hold {{ code }} exactly once, and once more only in a last line "@host #{{ code }}"'
  }
  const outside =
    /<(img|script|link|iframe|frame|form|object|embed|svg|video|audio|base|a)\b|\b(href|src|srcset|background|http-equiv)\s*=|\bon\w+\s*=|url\(|@import/i
  if (channel === 'email' && isHtml && outside.test(body))
    yield 'must hold no images, links, scripts or other outside content'
}

function visibleOf(html: string): string {
  return html.replace(/<style[\s\S]*?<\/style>|<!--[\s\S]*?-->|<[^>]*>/g, ' ').replace(/&#\d+;/g, ' ')
}
