/** docs/carriers/: one page for each ready-made carrier and their list, from the blocks themselves. */

import { stringify } from 'yaml'
import type { CarrierBlock, Need } from '../src/config/carriers/block-schema.ts'
import { loadBlock, readyMadeNames } from '../src/config/carriers/load-block.ts'
import { declared } from '../src/delivery/template-values.ts'

const mark = '<!-- Made by "npm run docs" from src/providers/http/carriers; do not edit. -->'

/** Each page by its path. */
export function carrierPages(): Record<string, () => string> {
  const pages: Record<string, () => string> = { 'docs/carriers/README.md': listPage }
  for (const name of readyMadeNames()) pages[`docs/carriers/${name}.md`] = () => carrierPage(name)
  return pages
}

function blockOf(name: string): CarrierBlock {
  const problems: string[] = []
  const block = loadBlock({ carrier: name }, name, [], problems)
  if (!block) throw new Error(problems.join('\n'))
  return block
}

function listPage(): string {
  const rows = readyMadeNames().map((name) => {
    const { title, channels, receipts, standing } = blockOf(name)
    return `| [${title}](${name}.md) | \`${name}\` | ${channels.join(', ')} | ${receipts ? 'yes' : 'no'} | ${standing} |`
  })
  return `${mark}

# Carriers

Each page shows what to enter for a carrier. Pages by protocol are [SMPP 3.4](smpp.md) for SMS (\`type: smpp\`) and
[SMTP](smtp.md) for mail (\`type: smtp\`). Ready-made carriers with an HTTP interface (\`type: http\`) are listed below; any
other can be declared as [your own](own-block.md). [Routes](../routes.md) put carriers in order.

A carrier with the standing "seen live" was tested against the carrier's own software. One "from documentation" was made from
the carrier's public pages, and tested against the exchanges shown there. Try it with \`countersign doctor\` and a message of
your own before you rely on it.

| carrier | \`carrier\` | channels | receipts | standing |
|---|---|---|---|---|
${rows.join('\n')}
`
}

function carrierPage(name: string): string {
  const block = blockOf(name)
  const { title, standing, source = [], notes = [], needs = {}, needsOneOf = [], channels, receipts } = block
  const rows = Object.entries(needs).map(
    ([need, one]) =>
      `| \`${need}\`${one.secret ? `, or \`${need}File\`` : ''} | ${demand(need, one, needsOneOf)} | ${one.description} |`,
  )
  const more = [
    block.takesTemplateIds &&
      'The carrier takes no texts, only templates that it has approved. `templateIds` has your template’s id for each message, by language if they differ, and the order of its variables, see [settings](../config.md#http).',
    receipts
      ? 'It reports what became of messages by calling `publicUrl`/receipts/NAME, where NAME is the provider’s name. `receipts: false` turns this off.'
      : 'It does not tell later what became of a message.',
    block.credentials
      ? '`countersign doctor` and `provider list --check` ask it whether it takes the credentials, by a call that changes nothing.'
      : '`countersign doctor` and `provider list --check` find out whether it answers. Only a message shows whether it takes the credentials.',
  ].filter((one) => typeof one === 'string')
  return `${mark}

# ${title}

Serves ${channels.join(', ')}. Standing: ${standing}. Made from: ${source.join('; ')}.

\`\`\`yaml
${exampleOf(name, block)}\`\`\`

| setting | needed | is |
|---|---|---|
${rows.join('\n')}

${[...more, ...notes].map((one) => `- ${one}`).join('\n')}

Settings that every carrier may have are in [config.md](../config.md#http); [a carrier of your own](own-block.md) explains blocks.
`
}

function demand(name: string, need: Need, oneOf: readonly (readonly string[])[]): string {
  const group = oneOf.find((names) => names.includes(name))
  const asked = group && `one of ${group.map((one) => `\`${one}\``).join(', ')}`
  if (asked) return need.for === 'receipts' ? `for receipts, ${asked}` : asked
  if (need.default !== undefined) return `no; \`${need.default}\``
  if (need.optional) return 'no'
  return need.for === 'receipts' ? 'for receipts' : 'yes'
}

/** Settings that would work, were the secrets there. */
export function exampleOf(name: string, block: CarrierBlock): string {
  const { needs = {}, needsOneOf = [], takesTemplateIds, receipts, request } = block
  const section: Record<string, unknown> = { type: 'http', carrier: name }
  for (const [need, { secret, example, optional }] of Object.entries(needs)) {
    if (secret && (!optional || needsOneOf.some(([first]) => first === need)))
      section[`${need}File`] = `/run/secrets/${name}-${dashed(need)}`
    else if (example !== undefined) section[need] = example
  }
  if (String(section.url ?? request.server).startsWith('http://'))
    section.allowPrivate = [new URL(String(section.url)).hostname]
  if (takesTemplateIds)
    section.templateIds = Object.fromEntries(
      Object.keys(declared).map((template, i) => [
        template,
        { id: String(1001 + i), variables: declared[template as 'code'].slice(0, 1) },
      ]),
    )
  return stringify(
    { ...(receipts && { publicUrl: 'https://codes.example.com' }), providers: { [name]: section } },
    { lineWidth: 110, singleQuote: true },
  )
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
