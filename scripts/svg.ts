/** The common look of the pictures: colours for light and dark, type, and lines broken to a width. */

/** GitHub shows a picture as an image, so it carries its own colours for both schemes and its own ground. */
const style = `
  svg { --ground: #f3f5f7; --card: #ffffff; --pure: #f9fbfb; --line: #d5dbe2; --text: #17202a; --soft: #5a6675;
    --way: #0f7b6c; --way-soft: #e2f3f0; --on-way: #ffffff; --far: #3a5bc7; --far-soft: #e7ecfb; --on-far: #ffffff }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #101317; --card: #1a1f26; --pure: #151a20; --line: #333c48; --text: #e9edf2; --soft: #9aa6b5;
      --way: #3fc1ad; --way-soft: #15332f; --on-way: #06231f; --far: #93adff; --far-soft: #1f2944; --on-far: #0b1330 }
  }
  text { font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: var(--text) }
  .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-weight: 600 }
  .soft { fill: var(--soft) }
  .way { fill: var(--way) } .far { fill: var(--far) }
  .strong { font-weight: 600 }
  .middle { text-anchor: middle } .end { text-anchor: end }`

export type Picture = {
  readonly width: number
  readonly height: number
  readonly title: string
  /** For those who cannot see it. */
  readonly description: string
  readonly css?: string
  readonly body: readonly string[]
}

export function svg({ width, height, title, description, css = '', body }: Picture): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escaped(title)}</title>
<desc id="description">${escaped(description)}</desc>
<style>${style}${css}
</style>
<rect width="${width}" height="${height}" rx="14" fill="var(--ground)"/>
${body.join('\n')}
</svg>
`
}

export function text(x: number, y: number, size: number, classes: string, content: string): string {
  return `<text x="${x}" y="${y}" font-size="${size}"${classes && ` class="${classes}"`}>${escaped(content)}</text>`
}

/** @returns The words in lines of at most `width` pixels, judged by the widest common font. */
export function linesOf(words: string, size: number, width: number): string[] {
  const maxCharacters = Math.floor(width / (size * 0.545))
  const lines: string[] = []
  for (const word of words.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= maxCharacters)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

export function escaped(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
