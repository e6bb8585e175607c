/** What messages say: liquid templates for each message, channel and language, checked before first use. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Liquid, type Template } from 'liquidjs'
import { AppError } from '../errors.ts'
import type { MessageTemplate } from '../store/outbox.ts'
import type { Channel } from './provider.ts'
import { segmentsOf } from './sms-segments.ts'

export type TemplateSettings = {
  /** Files here replace the shipped ones of the same name. */
  readonly folder: string | null
  /** In front of Chinese messages, in 【】: 2 to 16 characters. */
  readonly signature: string
  /** What the code is for, e.g. the product's name. */
  readonly product: string
}

export type Rendered = {
  readonly text: string
  readonly subject?: string
  readonly html?: string
  /** The values in the order the template's variables are declared, for carriers that take only those. */
  readonly variables: readonly string[]
}

export type Templates = {
  /**
   * @param messageId  Makes a mail's subject unlike that of the one before, so that they do not thread.
   * @param values  `code` and `lifetimeMs` for a code; `contact` and `changedAt` (ms) for a notice.
   */
  render(
    template: MessageTemplate,
    channel: Channel,
    locale: string,
    messageId: string,
    values: Readonly<Record<string, string>>,
  ): Rendered
}

export const locales = ['zh-CN', 'en-US'] as const
type Locale = (typeof locales)[number]

/** The variables a template may use; the first ones are those a template-id carrier gets, in order. */
const declared: Readonly<Record<MessageTemplate, readonly string[]>> = {
  code: ['code', 'lifetime', 'product', 'signature', 'reference'],
  'contact-changed': ['contact', 'time', 'product', 'signature', 'reference'],
}

const parts: Readonly<Record<Channel, readonly string[]>> = {
  sms: ['sms.txt'],
  email: ['email.subject.txt', 'email.txt', 'email.html'],
}

type Compiled = (values: Readonly<Record<string, string>>) => string

const shipped = join(import.meta.dirname, 'templates')

/**
 * Reads and checks every template.
 * @throws AppError `template.invalid` listing each problem with its file and remedy.
 */
export async function loadTemplates(settings: TemplateSettings): Promise<Templates> {
  const engine = new Liquid({
    strictVariables: true,
    strictFilters: true,
    // Operators may edit templates; templates may read no other files and run no longer than this.
    relativeReference: false,
    templates: {},
    renderLimit: 100,
    parseLimit: 100_000,
    memoryLimit: 1_000_000,
  })
  const problems: string[] = []
  const compiled = new Map<string, Compiled>()
  if ([...settings.signature].length < 2 || [...settings.signature].length > 16)
    problems.push('templates.signature: takes 2 to 16 characters')
  for (const template of Object.keys(declared) as MessageTemplate[])
    for (const channel of Object.keys(parts) as Channel[])
      for (const locale of locales)
        for (const part of parts[channel]) {
          const name = `${template}.${locale}.${part}`
          const { source, path } = await read(name, settings.folder)
          try {
            compiled.set(name, compile(engine, source.replace(/\r?\n$/, ''), part.endsWith('.html')))
          } catch (error) {
            problems.push(`${path}: ${(error as Error).message.split('\n')[0]}`)
          }
        }
  const render: Templates['render'] = (template, channel, locale, messageId, given) => {
    const known: Locale = locale === 'en-US' ? 'en-US' : 'zh-CN'
    const values = valuesOf(template, known, messageId, given, settings)
    const run = (part: string) => compiled.get(`${template}.${known}.${part}`)!(values)
    const variables = declared[template].slice(0, 3).map((name) => values[name]!)
    if (channel === 'sms') return { text: run('sms.txt'), variables }
    return { subject: run('email.subject.txt'), text: run('email.txt'), html: run('email.html'), variables }
  }
  if (problems.length === 0) problems.push(...check(render, settings))
  if (problems.length > 0)
    throw new AppError('template.invalid', `Templates cannot work:\n- ${problems.join('\n- ')}`)
  return { render }
}

async function read(name: string, folder: string | null): Promise<{ source: string; path: string }> {
  if (folder !== null) {
    const path = join(folder, name)
    try {
      return { source: await readFile(path, 'utf8'), path }
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT')
        throw new AppError(
          'template.invalid',
          `${path}: cannot be read (${(error as { code?: string }).code})`,
        )
    }
  }
  return { source: await readFile(join(shipped, name), 'utf8'), path: `shipped ${name}` }
}

const output = /\{\{\s*([a-z]+)\s*\}\}/g

/**
 * Templates that only put values in places, as the shipped ones do, become a plain join: liquid's own
 * interpreter takes about ten times as long, on the path of every message.
 */
function compile(engine: Liquid, source: string, isHtml: boolean): Compiled {
  const parsed: Template[] = engine.parse(source) // refuses what is malformed either way
  const written = isHtml ? escapeHtml : (text: string) => text
  if (!/\{\{|\{%/.test(source.replace(output, ''))) {
    const pieces = source.split(output)
    return (values) => {
      let text = pieces[0]!
      for (let i = 1; i < pieces.length; i += 2) {
        const value = values[pieces[i]!]
        if (value === undefined) throw new Error(`undefined variable: ${pieces[i]}`)
        text += written(value) + pieces[i + 1]!
      }
      return text
    }
  }
  return (values) =>
    engine.renderSync(
      parsed,
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, written(value)])),
    )
}

function valuesOf(
  template: MessageTemplate,
  locale: Locale,
  messageId: string,
  given: Readonly<Record<string, string>>,
  { product, signature }: TemplateSettings,
): Record<string, string> {
  const common = { product, signature, reference: referenceOf(messageId) }
  if (template === 'code')
    return {
      code: oneLine(given.code ?? ''),
      lifetime: lifetimeIn(locale, Number(given.lifetimeMs)),
      ...common,
    }
  const time = new Date(Number(given.changedAt)).toISOString()
  return { contact: oneLine(given.contact ?? ''), time: timeIn(locale, time), ...common }
}

/** Letters only: phones take any group of 4 to 8 digits for a code. */
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

/** Universal time; the year is left out so that no four digits stand together. */
function timeIn(locale: Locale, iso: string): string {
  const [, month = '', day = '', clock = ''] = /^\d+-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(iso) ?? []
  if (locale === 'zh-CN') return `${Number(month)}月${Number(day)}日 ${clock} UTC`
  const names = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  return `${Number(day)} ${names[Number(month) - 1]} ${clock} UTC`
}

/** A value is a piece of a line: it brings no line of its own. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Renders everything once with the longest values and says what would be wrong with it. */
function check(render: Templates['render'], settings: TemplateSettings): string[] {
  const problems: string[] = []
  const id = 'f'.repeat(32)
  const code = '0123456789'
  const samples: Record<MessageTemplate, Record<string, string>> = {
    code: { code, lifetimeMs: '599000' },
    'contact-changed': {
      contact: 'x***@mail.example.com',
      changedAt: String(Date.UTC(2030, 10, 28, 22, 58)),
    },
  }
  for (const template of Object.keys(samples) as MessageTemplate[])
    for (const channel of Object.keys(parts) as Channel[])
      for (const locale of locales) {
        const name = `${template}.${locale}.${channel}`
        let rendered: Rendered
        try {
          rendered = render(template, channel, locale, id, samples[template])
        } catch (error) {
          problems.push(`${name}: ${(error as Error).message.split('\n')[0]}`)
          continue
        }
        const { text, html, subject } = rendered
        if (channel === 'sms') {
          const { segments, encoding, units } = segmentsOf(text)
          if (segments > 1)
            problems.push(
              `${name}: takes ${segments} SMS parts (${units} ${encoding} units); make it shorter`,
            )
          if (/https?:|www\./i.test(text))
            problems.push(`${name}: holds a link; carriers filter those, take it out`)
          if (locale === 'zh-CN' && !text.startsWith(`【${settings.signature}】`))
            problems.push(`${name}: must begin with 【{{ signature }}】`)
        }
        if (subject !== undefined && (/[\r\n]/.test(subject) || subject.includes(code)))
          problems.push(`${name}: the subject must be one line without the code`)
        for (const [part, body] of Object.entries({ text, html })) {
          if (body === undefined) continue
          const visible =
            part === 'html'
              ? body.replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ').replace(/&#\d+;/g, ' ')
              : body
          const expected = template === 'code' ? 1 : 0
          if (visible.split(code).length - 1 !== expected)
            problems.push(
              `${name}: the ${part} must hold the code ${expected === 1 ? 'exactly once' : 'not at all'}`,
            )
          if (/(?<!\d)\d{4,8}(?!\d)/.test(visible))
            problems.push(
              `${name}: the ${part} holds another group of 4 to 8 digits; phones would take it for the code`,
            )
          if (part === 'html' && /<(img|script|link|iframe|form)\b|\bhref=|\bsrc=|url\(/i.test(body))
            problems.push(`${name}: the html must hold no images, links or outside content`)
        }
      }
  return problems
}
