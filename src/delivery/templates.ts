/** The texts of messages: liquid templates for each message, channel and language, checked before first use. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../errors.ts'
import { createCompiler, type Render } from '../liquid.ts'
import type { Channel } from '../message/channel.ts'
import type { MessageTemplate } from '../message/message.ts'
import {
  type CodeTemplates,
  createCodeTemplates,
  givenValues,
  type OwnTemplate,
  ownFile,
  sampleOf,
  valuesUsedIn,
} from './own-templates.ts'
import type { RenderMessage } from './rendered-message.ts'
import { pickUpsOf, problemsOf } from './template-check.ts'
import { declared, type Locale, locales, oneLine, valuesOf } from './template-values.ts'

export type TemplateSettings = {
  /** Files here replace the shipped ones of the same name, or are of further templates of codes, see `OwnTemplate`. */
  readonly folder: string | null
  /** The signature before Chinese messages, in 【】: 2 to 16 characters. */
  readonly signature: string
  /** The name that a code is for, such as the product's. */
  readonly product: string
  /** Parts that an SMS may take, 1 to 3. */
  readonly smsParts: number
}

export type Templates = {
  /** Hints about text that phones would offer, each with its file; see `pickUpsOf`. */
  pickUps(): readonly string[]
  readonly render: RenderMessage
  readonly codes: CodeTemplates
}

const parts: Readonly<Record<Channel, readonly string[]>> = {
  sms: ['sms.txt'],
  email: ['email.subject.txt', 'email.txt', 'email.html'],
  voice: ['voice.txt'],
  // The text of an SMS.
  whatsapp: [],
}
/** Messages that have a voice template: a call may bring a code that does not arrive, but a notice goes as text only. */
const hasVoice: Readonly<Record<MessageTemplate, boolean>> = {
  code: true,
  'contact-changed': false,
  'password-changed': false,
  'temporary-password': false,
  'recovery-started': false,
}

const compileText = createCompiler()
const compileHtml = createCompiler(escapeHtml)

const templates = Object.keys(declared) as MessageTemplate[]
const shipped = join(import.meta.dirname, 'templates')

/**
 * Reads and checks every template.
 * @throws AppError `template.invalid` listing each problem with its file and remedy.
 */
export async function loadTemplates(settings: TemplateSettings): Promise<Templates> {
  const { folder } = settings
  const common = { product: oneLine(settings.product), signature: oneLine(settings.signature) }
  const problems: string[] = []
  const length = [...common.signature].length
  if (length < 2 || length > 16) problems.push('templates.signature: takes 2 to 16 characters')
  const own = folder === null ? new Set<string>() : await filesIn(folder, problems)
  const fileOf = (name: string): string => {
    if (own.has(name)) return join(folder!, name)
    const further = ownFile(name)
    return further ? fileOf(further.usual) : `shipped ${name}`
  }

  const compiled = new Map<string, Render>()
  for (const { name, template } of everyFile()) {
    try {
      const source = await readFile(join(own.has(name) ? folder! : shipped, name), 'utf8')
      const compile = name.endsWith('.html') ? compileHtml : compileText
      compiled.set(name, compile(textOf(source), declared[template]))
    } catch (error) {
      problems.push(`${fileOf(name)}: ${(error as Error).message.split('\n')[0]}`)
    }
  }

  const further = new Map<string, OwnTemplate>()
  for (const file of own) {
    const name = ownFile(file)?.name
    if (name === undefined) continue
    try {
      const source = textOf(await readFile(join(folder!, file), 'utf8'))
      const compile = file.endsWith('.html') ? compileHtml : compileText
      const used = valuesUsedIn(source)
      compiled.set(file, compile(source, [...declared.code, ...(used.length > 0 ? ['values'] : [])]))
      further.set(name, { name, values: [...new Set([...(further.get(name)?.values ?? []), ...used])] })
    } catch (error) {
      problems.push(`${fileOf(file)}: ${(error as Error).message.split('\n')[0]}`)
    }
  }

  const render: Templates['render'] = (template, channel, locale, messageId, given, choice) => {
    const near = nearest(locale)
    const usual = valuesOf(template, channel, near, messageId, given, common)
    const chosen = template === 'code' && choice ? further.get(choice.template) : undefined
    // Not spread: some of the usual values are made only when they are used.
    const values = chosen
      ? Object.defineProperties(
          { values: givenValues(chosen, choice!.values) },
          Object.getOwnPropertyDescriptors(usual),
        )
      : usual
    const run = (part: string) => {
      const text = chosen && compiled.get(`code-${chosen.name}.${near}.${part}`)
      return (text ?? compiled.get(`${template}.${near}.${part}`)!)(values)
    }
    const variables = declared[template].slice(0, 3).map((name) => usual[name]!)
    if (channel !== 'email') return { text: run(channel === 'voice' ? 'voice.txt' : 'sms.txt'), variables }
    return { subject: run('email.subject.txt'), text: run('email.txt'), html: run('email.html'), variables }
  }
  // Problems of single templates come first; a template that does not compile cannot be rendered.
  const rules = { signature: common.signature, maxParts: settings.smsParts }
  const samples = [...further.values()].map(sampleOf)
  if (problems.length === 0) problems.push(...problemsOf(render, rules, samples, fileOf))
  if (problems.length > 0)
    throw new AppError('template.invalid', `Templates cannot work:\n- ${problems.join('\n- ')}`)
  return {
    render,
    pickUps: () => pickUpsOf(render, samples, fileOf),
    codes: createCodeTemplates(further, render, rules),
  }
}

function everyFile(): { name: string; template: MessageTemplate }[] {
  return templates.flatMap((template) =>
    locales.flatMap((locale) =>
      Object.values(parts)
        .flat()
        .filter((part) => hasVoice[template] || !parts.voice.includes(part))
        .map((part) => ({ name: `${template}.${locale}.${part}`, template })),
    ),
  )
}

/** The operator's templates. A file that replaces no shipped one, and is of no further one, has a misspelt name, which is a problem. */
async function filesIn(folder: string, problems: string[]): Promise<Set<string>> {
  const known = new Set(everyFile().map(({ name }) => name))
  const found = await readdir(folder).catch((error: { code?: string }) => {
    problems.push(`templates.folder: ${folder} cannot be read (${error.code})`)
    return []
  })
  const isKnown = (name: string) => known.has(ownFile(name)?.usual ?? name)
  for (const name of found)
    if (/\.(txt|html)$/.test(name) && !isKnown(name))
      problems.push(`${join(folder, name)}: replaces no template; there are ${[...known].join(', ')}`)
  return new Set(found.filter(isKnown))
}

/** Without the byte order mark, carriage returns and last line end that editors may have added. */
function textOf(source: string): string {
  return source
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n')
    .replace(/\n$/, '')
}

function nearest(locale: string): Locale {
  return /^en\b/i.test(locale) ? 'en-US' : 'zh-CN'
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
