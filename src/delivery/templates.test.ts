import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { AppError } from '../errors.ts'
import { segmentsOf } from './sms-segments.ts'
import { loadTemplates, type TemplateSettings, type Templates } from './templates.ts'

const settings: TemplateSettings = { folder: null, signature: '云会议', product: 'Countersign', smsParts: 1 }
const id = '0123456789abcdef0123456789abcdef'
const code = { code: '012345', lifetimeMs: '60000' }
const notice = {
  contact: '+86138****8000',
  changedAt: String(Date.UTC(2026, 10, 24, 9, 5)),
  undo: 'bcdfghjk',
}

/** Loads with these files in the operator's folder. */
async function loadWith(t: { after(act: () => unknown): void }, files: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-templates-'))
  t.after(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return loadTemplates({ ...settings, folder })
}

/** The problems of these files, one on each line. */
async function problemsWith(t: { after(act: () => unknown): void }, files: Record<string, string>) {
  const error = await loadWith(t, files).then(
    () => assert.fail('the templates were taken'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof AppError && error.code === 'template.invalid')
  return error.message.split('\n- ').slice(1)
}

function all(templates: Templates, values = { code, notice }) {
  return (['zh-CN', 'en-US'] as const).flatMap((locale) =>
    (['sms', 'email'] as const).flatMap((channel) => [
      { locale, channel, template: 'code', ...templates.render('code', channel, locale, id, values.code) },
      {
        locale,
        channel,
        template: 'contact-changed',
        ...templates.render('contact-changed', channel, locale, id, values.notice),
      },
    ]),
  )
}

test('the shipped messages say what they should', async () => {
  const templates = await loadTemplates(settings)
  const text = (template: 'code' | 'contact-changed', locale: string) =>
    templates.render(template, 'sms', locale, id, template === 'code' ? code : notice).text
  assert.equal(text('code', 'zh-CN'), '【云会议】您的验证码是 012345，1分钟内有效。请勿告诉他人。')
  assert.equal(
    text('code', 'en-US'),
    '012345 is your Countersign verification code. It is valid for 1 minute. Do not share it.',
  )
  assert.equal(
    text('contact-changed', 'zh-CN'),
    '【云会议】联系方式改为+86138****8000。非本人操作可凭bcdfghjk撤销，或联系管理员。',
  )
  assert.equal(
    text('contact-changed', 'en-US'),
    'Countersign: contact changed to +86138****8000 on 24 Nov 09:05 UTC. Not you? Undo it in the app, ref. bcdfghjk, or tell your administrator.',
  )
})

test('a SMS is one part, in Chinese UCS-2 and in English GSM-7, with the longest signature too', async () => {
  const longest = {
    code: { code: '0123456789', lifetimeMs: '599000' },
    notice: { contact: `李***@${'m'.repeat(240)}.com`, changedAt: notice.changedAt, undo: 'mmmmmmmm' },
  }
  const templates = await loadTemplates({ ...settings, signature: '会'.repeat(16) })
  for (const { channel, locale, text } of all(templates, longest))
    if (channel === 'sms') {
      const { encoding, segments } = segmentsOf(text)
      assert.deepEqual([encoding, segments], [locale === 'zh-CN' ? 'ucs-2' : 'gsm-7', 1], text)
    }
})

test('the code stands once in the text and once in the html, and never in the subject', async () => {
  for (const { template, subject, text, html } of all(await loadTemplates(settings))) {
    const times = template === 'code' ? 1 : 0
    assert.equal(text.split('012345').length - 1, times)
    if (html === undefined || subject === undefined) continue
    assert.equal(html.split('012345').length - 1, times)
    assert.equal(subject.includes('012345'), false)
    if (times === 1) assert.match(html, /<p class="value">012345<\/p>/)
  }
})

test('whatever the code, its life and the message id, no other group of 4 to 8 digits is in a message', async () => {
  const templates = await loadTemplates(settings)
  fc.assert(
    fc.property(
      fc.stringMatching(/^[0-9]{6,10}$/),
      fc.integer({ min: 1_000, max: 600_000 }),
      fc.stringMatching(/^[0-9a-f]{32}$/),
      fc.constantFrom('zh-CN', 'en-US'),
      fc.constantFrom('sms' as const, 'email' as const),
      (digits, lifetimeMs, messageId, locale, channel) => {
        const values = { code: digits, lifetimeMs: String(lifetimeMs) }
        const { text, subject } = templates.render('code', channel, locale, messageId, values)
        assert.deepEqual(text.match(/\d{4,}/g), [digits])
        assert.equal(/\d{4,}/.test(subject ?? ''), false)
      },
    ),
  )
})

test('the shipped mails follow the reader’s light or dark, and hold no link and nothing from outside', async () => {
  for (const { template, locale, text, html } of all(await loadTemplates(settings))) {
    if (html === undefined) continue
    const which = `${template} ${locale}`
    assert.match(html, /<meta name="color-scheme" content="light dark">/, which)
    assert.match(html, /@media \(prefers-color-scheme: dark\)/, which)
    assert.equal(
      /<(img|a|link|script|iframe|svg)\b|\b(src|href|background)=|url\(|@import|:\/\//i.test(html),
      false,
      which,
    )
    assert.equal(/:\/\/|www\./i.test(text), false, which)
  }
})

test('subjects of two messages differ, so that mail programs do not thread them', async () => {
  const templates = await loadTemplates(settings)
  const subjectOf = (messageId: string) => templates.render('code', 'email', 'en-US', messageId, code).subject
  assert.notEqual(subjectOf(id), subjectOf(`1${id.slice(1)}`))
  assert.equal(subjectOf(id), subjectOf(id))
})

test('a life is told in whole minutes where it is, in seconds otherwise', async () => {
  const { render } = await loadTemplates(settings)
  const told = (locale: string) =>
    [60_000, 90_000, 300_000, 1_000, 600_000].map(
      (ms) => render('code', 'sms', locale, id, { code: '012345', lifetimeMs: String(ms) }).variables[1],
    )
  assert.deepEqual(told('en-US'), ['1 minute', '90 seconds', '5 minutes', '1 second', '10 minutes'])
  assert.deepEqual(told('zh-CN'), ['1分钟', '90秒', '5分钟', '1秒', '10分钟'])
})

test('the variables are given in the declared order, leading zeros kept', async () => {
  const { render } = await loadTemplates(settings)
  assert.deepEqual(render('code', 'sms', 'zh-CN', id, { ...code, code: '000007' }).variables, [
    '000007',
    '1分钟',
    'Countersign',
  ])
})

test('a locale that is not shipped gets that of its language, or Chinese', async () => {
  const { render } = await loadTemplates(settings)
  const of = (locale: string) => render('code', 'sms', locale, id, code).text
  assert.equal(of('en-GB'), of('en-US'))
  assert.equal(of('fr-FR'), of('zh-CN'))
})

test('a message without its code is not made', async () => {
  const { render } = await loadTemplates(settings)
  assert.throws(() => render('code', 'sms', 'zh-CN', id, { lifetimeMs: '60000' }), /needs the value code/)
  assert.throws(() => render('code', 'sms', 'zh-CN', id, { ...code, code: '' }), /needs the value code/)
})

test('no value brings a line, a direction or markup of its own', async () => {
  const product = 'A&B <b>\u202Er\r\nBcc'
  const templates = await loadTemplates({ ...settings, product })
  const values = { code, notice: { ...notice, contact: '<i>"x"\u2028***@example.com' } }
  const plain = all(await loadTemplates(settings), values)
  for (const [i, { text, subject, html }] of all(templates, values).entries()) {
    const lines = (whole: string | undefined) => whole?.split(/[\r\n\u2028\u2029]/).length
    assert.equal(lines(text), lines(plain[i]!.text))
    assert.equal(lines(html), lines(plain[i]!.html))
    assert.equal(/[\r\n]/.test(subject ?? ''), false)
    assert.equal(/\u202E|<b>|<i>/.test(html ?? ''), false)
    if (html?.includes('Bcc')) assert.match(html, /A&#38;B &#60;b&#62;rBcc/)
  }
})

test('a SMS may take as many parts as the settings allow, and no more', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-templates-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'code.en-US.sms.txt')
  await writeFile(file, `code {{ code }}${' a'.repeat(90)}`)
  await loadTemplates({ ...settings, folder, smsParts: 2 })
  await writeFile(file, `code {{ code }}${' a'.repeat(160)}`)
  await assert.rejects(loadTemplates({ ...settings, folder, smsParts: 2 }), /takes 3 SMS parts/)
})

test("an operator's file replaces the shipped one, the others stay", async (t) => {
  const templates = await loadWith(t, {
    'code.en-US.sms.txt': '\uFEFFCode: {{ code }}\r\n',
    'code.en-US.email.txt': '{% assign word = "Code" %}{{ word }}: {{ code | append: "." }}\n',
    'README.md': 'is no template',
  })
  assert.equal(templates.render('code', 'sms', 'en-US', id, code).text, 'Code: 012345')
  assert.equal(
    templates.render('code', 'email', 'en-US', id, { ...code, lifetimeMs: '120000' }).text,
    'Code: 012345.',
  )
  assert.match(templates.render('code', 'sms', 'zh-CN', id, code).text, /^【云会议】/)
})

test("an operator's further template of codes is chosen by name, and where it has no file the usual one serves", async (t) => {
  const templates = await loadWith(t, {
    'code-order.en-US.sms.txt': '{{ code }} confirms your order at {{ values.shop }}.',
    'code-order.en-US.email.html': '<p>{{ code }}</p><p>{{ values.shop }} {{ reference }}</p>',
    'code-plain.zh-CN.sms.txt': '【{{ signature }}】{{ code }} {{ product }}',
    'code.zh-CN.sms.txt': '【{{ signature }}】{{ code }}',
  })
  const { render, codes } = templates
  assert.deepEqual(codes.names.toSorted(), ['code', 'order', 'plain'])
  const given = { shop: '<b>{{ code }}</b>\n\u202e{% raw %}' }
  const of = (template: string, channel: 'sms' | 'email' | 'voice', locale: string) =>
    render('code', channel, locale, id, code, { template, values: given })
  // Neither markup, nor a template, nor a line of the caller's own.
  assert.equal(of('order', 'sms', 'en-US').text, '012345 confirms your order at <b>{{ code }}</b>{% raw %}.')
  assert.match(
    of('order', 'email', 'en-US').html!,
    /<p>&#60;b&#62;\{\{ code \}\}&#60;\/b&#62;\{% raw %\} [a-z]+<\/p>/,
  )
  assert.equal(of('plain', 'sms', 'zh-CN').text, '【云会议】012345 Countersign')
  for (const [template, channel, locale] of [
    ['order', 'sms', 'zh-CN'],
    ['order', 'voice', 'en-US'],
    ['plain', 'email', 'zh-CN'],
    ['gone', 'sms', 'en-US'],
  ] as const)
    assert.deepEqual(of(template, channel, locale), render('code', channel, locale, id, code))
  const without = { template: 'order', values: {} }
  assert.equal(render('code', 'sms', 'en-US', id, code, without).text, '012345 confirms your order at .')
})

test('the values of a template are held to what it uses, to one message, and to no link', async (t) => {
  const { codes } = await loadWith(t, {
    'code-order.en-US.sms.txt': '{{ code }} confirms your order at {{ values.shop }}.',
  })
  const faultOf = (template: string, values: Record<string, string>, locale?: string) => {
    const fault = codes.faultOf({ template, values }, locale)
    return fault && `${fault.pointer} ${fault.detail}`
  }
  assert.equal(faultOf('order', { shop: 'Äpfel 24' }, 'en-US'), undefined)
  assert.equal(faultOf('code', {}), undefined)
  assert.equal(faultOf('ordr', {}), '/template is no template; there are code, order')
  assert.equal(faultOf('order', {}), '/values/shop must be given for the template order')
  assert.equal(faultOf('order', { shop: 'A', 'a/b': 'c' }), '/values/a~1b is no value of order; it has shop')
  assert.equal(faultOf('code', { shop: 'A' }), '/values/shop is no value of code; it has none')
  assert.equal(
    faultOf('order', { shop: 'evil.example/x' }),
    '/values/shop holds a link; carriers filter those',
  )
  assert.equal(faultOf('order', { shop: '\u200b ' }), '/values/shop is empty')
  // 64 characters that GSM-7 lacks make the message UCS-2.
  const long = { shop: 'ж'.repeat(64) }
  assert.match(faultOf('order', long, 'en-US')!, /^\/values make a text that takes 2 SMS parts/)
  assert.match(faultOf('order', long)!, /takes 2 SMS parts/, 'in any language')
  assert.equal(faultOf('order', long, 'zh-CN'), undefined, 'where the usual one serves')
})

test('html is escaped in templates that liquid runs too', async (t) => {
  const templates = await loadWith(t, {
    'contact-changed.en-US.email.html': '{% if true %}<p>{{ contact | upcase }}</p>{% endif %}',
  })
  const { html } = templates.render('contact-changed', 'email', 'en-US', id, { ...notice, contact: '<a>' })
  assert.equal(html, '<p>&#60;A&#62;</p>')
})

test('further templates are held to the rules of the usual one', async (t) => {
  const problems = await problemsWith(t, {
    'code-a.en-US.sms.txt': 'Your code is on its way.',
    'code-b.en-US.sms.txt': '{{ code }} {{ values }}',
    'code-c.en-US.sms.txt': '{{ code }} {{ values.shop.name }}',
    'code-d.en-US.sms.txt': '{{ code }} {{ shop }}',
    'code-e.fr-FR.sms.txt': '{{ code }}',
    'code-code.en-US.sms.txt': '{{ code }}',
    'contact-changed-x.en-US.sms.txt': 'x',
  })
  const told = (file: string) => problems.find((one) => one.includes(`/${file}`)) ?? ''
  assert.match(told('code-b.en-US.sms.txt'), /needs a name, as \{\{ values\.name \}\}/)
  assert.match(told('code-c.en-US.sms.txt'), /needs one name in small letters/)
  assert.match(told('code-d.en-US.sms.txt'), /\{\{ shop \}\} is no value here/)
  for (const file of ['code-e.fr-FR', 'code-code.en-US', 'contact-changed-x.en-US'])
    assert.match(told(`${file}.sms.txt`), /replaces no template/, file)
  assert.deepEqual(
    (await problemsWith(t, { 'code-a.en-US.sms.txt': 'Your code is on its way.' })).map((one) =>
      one.replace(/.*\//, ''),
    ),
    [
      'code-a.en-US.sms.txt: must hold {{ code }} exactly once, and once more only in a last line "@host #{{ code }}"',
    ],
  )
})

test('every problem is told at once, each with its file', async (t) => {
  const problems = await problemsWith(t, {
    'code.en-US.sms.txt': 'Hello {{ nam }}',
    'code.zh-CN.sms.txt': '{% if %}',
    'code.zh-CN.sms.text.txt': 'x',
  })
  assert.equal(problems.length, 3)
  for (const [i, name] of ['code.zh-CN.sms.text.txt', 'code.zh-CN.sms.txt', 'code.en-US.sms.txt'].entries())
    assert.ok(problems[i]!.includes(name), problems.join())
  await assert.rejects(loadTemplates({ ...settings, folder: '/nowhere/at/all' }), /cannot be read \(ENOENT\)/)
  await assert.rejects(loadTemplates({ ...settings, signature: '会' }), /2 to 16 characters/)
})

/** One rule each: what is written, and the words that refuse it. */
const refused: readonly (readonly [what: string, name: string, text: string, words: RegExp])[] = [
  [
    'a Chinese SMS without its signature in front',
    'code.zh-CN.sms.txt',
    '验证码 {{ code }}',
    /must begin with 【/,
  ],
  [
    'a SMS of two parts',
    'code.en-US.sms.txt',
    `code {{ code }}${' a'.repeat(90)}`,
    /takes 2 SMS parts \(19\d units/,
  ],
  [
    'one odd letter that makes two parts',
    'code.en-US.sms.txt',
    `code {{ code }} ç${'a'.repeat(70)}`,
    /ucs-2/,
  ],
  ['an empty SMS', 'contact-changed.en-US.sms.txt', '', /takes 0 SMS parts/],
  ['a link', 'code.en-US.sms.txt', 'code {{ code }} example.com/x', /a link/],
  ['a message without the code', 'code.en-US.sms.txt', 'your code is ready', /exactly once/],
  ['the code twice', 'code.en-US.email.txt', 'code {{ code }} {{ code }}', /exactly once/],
  [
    'the code a second time in a comment',
    'code.en-US.email.html',
    '<p>code {{ code }}</p><!--{{ code }}-->',
    /exactly once/,
  ],
  [
    'the code in html only where nobody sees it',
    'code.en-US.email.html',
    '<p title="code {{ code }}">',
    /exactly once/,
  ],
  [
    'the code in the line that binds it alone',
    'code.en-US.sms.txt',
    'your code\n@example.com #{{ code }}',
    /exactly once, and once more only in a last line/,
  ],
  [
    'the code in a line that is bound and not the last',
    'code.en-US.sms.txt',
    'code {{ code }}\n@example.com #{{ code }}\nBye',
    /exactly once/,
  ],
  ['the code in a subject', 'code.en-US.email.subject.txt', '{{ code }}', /must not hold the code/],
  ['a subject of two lines', 'code.en-US.email.subject.txt', 'a\nb', /one line/],
  ['an image', 'code.en-US.email.html', '<p>code {{ code }}</p><img alt="">', /no images/],
  ['a link in html', 'code.en-US.email.html', '<p>code <a>{{ code }}</a></p>', /no images, links/],
  [
    'an outside style',
    'code.en-US.email.html',
    '<style>@import "x"</style><p>code {{ code }}</p>',
    /no images/,
  ],
  ['an unknown value', 'code.en-US.sms.txt', 'code {{ code }} {{ name }}', /\{\{ name \}\} is no value/],
  [
    'an unknown value in a branch no sample takes',
    'code.en-US.sms.txt',
    'code {{ code }}{% if false %}{{ name }}{% endif %}',
    /\{\{ name \}\} is no value/,
  ],
  ['the code in a notice', 'contact-changed.en-US.sms.txt', '{{ code }}', /\{\{ code \}\} is no value/],
  ['an unknown filter', 'code.en-US.sms.txt', 'code {{ code | shout }}', /undefined filter: shout/],
  [
    'an included file',
    'code.en-US.sms.txt',
    "code {{ code }}{% include '/etc/hostname' %}",
    /tag "include" not found/,
  ],
  [
    'a rendered file',
    'code.en-US.sms.txt',
    "code {{ code }}{% render '/etc/hostname' %}",
    /tag "render" not found/,
  ],
  ['a layout', 'code.en-US.sms.txt', "{% layout '/etc/hostname' %}code {{ code }}", /tag "layout" not found/],
  ['a loop', 'code.en-US.sms.txt', '{% for i in (1..9) %}{% endfor %}code {{ code }}', /tag "for" not found/],
  [
    'an endless amount of work',
    'code.en-US.sms.txt',
    'code {{ code }}{{ (1..99999999) | join }}',
    /limit exceeded/,
  ],
]

for (const [what, name, text, words] of refused)
  test(`refused: ${what}`, async (t) => {
    const problems = await problemsWith(t, { [name]: text })
    assert.ok(
      problems.some((one) => one.includes(name) && words.test(one)),
      problems.join('\n'),
    )
    assert.equal(problems.join('').includes('0123456789'), false)
  })

/** A text and its hints; none if phones offer the code and nothing else. */
const told: readonly (readonly [what: string, name: string, text: string, words: RegExp | undefined])[] = [
  ['a code', 'code.en-US.sms.txt', 'Your code is {{ code }}.', undefined],
  ['a passcode', 'code.en-US.sms.txt', '{{ code }} is your passcode', undefined],
  ['动态密码', 'code.zh-CN.sms.txt', '【云会议】动态密码 {{ code }}，请勿告诉他人。', undefined],
  ['校验码', 'code.zh-CN.email.txt', '{{ code }} 是您的校验码', undefined],
  [
    'a bound code',
    'code.en-US.sms.txt',
    '{{ code }} is your code.\n\n@www.example.com #{{ code }}',
    /is bound to www\.example\.com: iPhones offer the code on that site and in its apps alone/,
  ],
  [
    'a code bound for an embedded site',
    'code.en-US.sms.txt',
    '{{ code }} is your code.\n@example.com #{{ code }} @pay.example',
    /is bound to example\.com:/,
  ],
  [
    'a full stop that becomes part of the code',
    'code.en-US.sms.txt',
    '{{ code }} is your code.\n@example.com #1{{ product }}',
    /binds other than the code to example\.com/,
  ],
  [
    'two blanks where one must be',
    'code.en-US.sms.txt',
    '{{ code }} is your code.\n@example.com  #1',
    /binds nothing: "@host #\{\{ code \}\}" must be the last line/,
  ],
  [
    'the hash of an Android app, with digits',
    'code.en-US.sms.txt',
    'Your code is {{ code }}\n\nFA+9qC12345',
    /is read by the Android app of FA\+9qC12345 itself/,
  ],
  [
    'the hash of an Android app in a long message',
    'code.zh-CN.sms.txt',
    `【云会议】验证码 {{ code }}${'，请勿告诉他人'.repeat(5)}\nFA+9qC12345`,
    /may not reach the Android app of FA\+9qC12345: it has 1\d\d bytes, and Google asks for at most 140/,
  ],
  [
    'the word far from the code',
    'code.en-US.sms.txt',
    '{{ code }} is for you',
    /has no word such as "code" or 验证码 near the code/,
  ],
  [
    'another number nearer to the word',
    'code.en-US.sms.txt',
    '{{ code }}: not a joke, it is good for you. Code hotline 12345',
    /makes phones offer 12345 instead of the code/,
  ],
  [
    'another number further away',
    'code.en-US.sms.txt',
    'Your code is {{ code }}. Questions? Call 12345',
    /holds 12345 too, which some phones offer instead of the code/,
  ],
  [
    'a number beside the word in a notice',
    'contact-changed.en-US.sms.txt',
    'Contact changed to {{ contact }}. Code 4711',
    /makes phones offer 4711$/,
  ],
]

for (const [what, name, text, words] of told)
  test(`taken, and what phones make of it is told: ${what}`, async (t) => {
    const pickUps = (await loadWith(t, { [name]: text })).pickUps()
    if (words === undefined) return assert.deepEqual(pickUps, [])
    assert.equal(pickUps.length, 1, pickUps.join('\n'))
    assert.ok(pickUps[0]!.includes(name))
    assert.match(pickUps[0]!, words)
    assert.equal(pickUps[0]!.includes('052634'), false)
  })

test('phones offer the code of every shipped message, and nothing else', async () => {
  assert.deepEqual((await loadTemplates(settings)).pickUps(), [])
})
