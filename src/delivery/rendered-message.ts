/** A message rendered from its templates, in the parts of its channel. */

import type { Channel } from '../message/channel.ts'
import type { MessageTemplate } from '../message/message.ts'
import type { Values } from './template-values.ts'

export type Rendered = {
  readonly text: string
  readonly subject?: string
  readonly html?: string
  /** The values in the order the template's variables are declared, for carriers that take only those. */
  readonly variables: readonly string[]
}

/** A template of codes by its name, with the values that the caller of a start gave for it. */
export type CodeChoice = { readonly template: string; readonly values: Values }

/**
 * @param locale  For one that is not shipped, its language's locale is used, or Chinese.
 * @param messageId  Makes the subjects of mails differ, so that mail programs do not thread them.
 * @param values  `code` and `lifetimeMs` for a code; `contact` (empty: none any more) and `changedAt` (ms) for a notice.
 * @param choice  Of a code: another template than the usual one. One that is there no more gives way to the usual one.
 * @throws Error if a value is missing or an operator's template fails with these.
 */
export type RenderMessage = (
  template: MessageTemplate,
  channel: Channel,
  locale: string,
  messageId: string,
  values: Values,
  choice?: CodeChoice,
) => Rendered
