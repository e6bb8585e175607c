/** Dead links, dead anchors and pages out of reach, in all Markdown of the project. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

/** By path from the root of the project, such as `docs/wire.md`: its text. */
export type Pages = ReadonlyMap<string, string>

const start = 'docs/README.md'
/** A reader is never further from a page of docs/ than this. */
const maxClicks = 2

export function readPages(root: string): Pages {
  return new Map(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((path) => !/(^|\/)(node_modules|\.[^/]+)\//.test(path))
      .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
  )
}

/** @returns A sentence for each problem. @param isThere  Whether a path from the root leads to a file or folder. */
export function linkProblems(pages: Pages, isThere: (path: string) => boolean): string[] {
  return [...deadLinks(pages, isThere), ...outOfReach(pages)]
}

export function linkProblemsIn(root: string): string[] {
  return linkProblems(readPages(root), (path) => existsSync(join(root, path)))
}

function deadLinks(pages: Pages, isThere: (path: string) => boolean): string[] {
  return [...pages].flatMap(([name, text]) =>
    linksOf(name, text).flatMap(({ path, anchor, written }) => {
      if (!isThere(path)) return [`${name}: ${written} leads nowhere`]
      const page = pages.get(path)
      const isDead = anchor !== undefined && !(page && anchorsOf(page).has(anchor))
      return isDead ? [`${name}: ${written} has no such heading`] : []
    }),
  )
}

function outOfReach(pages: Pages): string[] {
  const reached = new Set([start])
  for (let clicks = 0; clicks < maxClicks; clicks++)
    for (const name of [...reached])
      for (const { path } of linksOf(name, pages.get(name) ?? '')) if (pages.has(path)) reached.add(path)
  return [...pages.keys()]
    .filter((name) => name.startsWith('docs/') && !reached.has(name))
    .map((name) => `${name} is more than ${maxClicks} clicks from ${start}`)
}

type Link = { readonly path: string; readonly anchor: string | undefined; readonly written: string }

/** Links and pictures that stay within the project. */
function linksOf(name: string, text: string): Link[] {
  const found = withoutCode(text).matchAll(/\]\(<?([^)\s>]+)>?\)|\b(?:src|srcset|href)="([^"]+)"/g)
  return [...found].flatMap(([, markdown, html]) => {
    const written = (markdown ?? html)!
    if (/^[a-z]+:/.test(written)) return []
    const [path = '', anchor] = written.split('#')
    return [{ path: path === '' ? name : normalize(join(dirname(name), path)), anchor, written }]
  })
}

/** Headings as GitHub turns them into anchors; a repeated one gets a number. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading] of withoutFences(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = heading!
      .replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    let nth = 0
    while (anchors.has(nth > 0 ? `${anchor}-${nth}` : anchor)) nth++
    anchors.add(nth > 0 ? `${anchor}-${nth}` : anchor)
  }
  return anchors
}

function withoutFences(text: string): string {
  return text.replace(/^( *)(```+|~~~+)[\s\S]*?^\1\2/gm, '')
}

function withoutCode(text: string): string {
  return withoutFences(text).replace(/`[^`\n]+`(?!\])/g, '')
}
