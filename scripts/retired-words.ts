/** The words that the code has left, as the last table of the glossary has them, and where they came back. */

export type Retired = {
  /** Parts of a name that follow each other: `giveBack` and `GIVE_BACK` both have `give`, `back`. */
  readonly parts: readonly string[]
  /** Only as the beginning of a longer name. */
  readonly isPrefix: boolean
}

/** Rows such as "| `ledger`, `most…` | limiter; max… |" below the heading "Left words". */
export function readRetired(glossary: string): Retired[] {
  const [, section = ''] = glossary.split('\n## Left words\n')
  return [...section.matchAll(/^\| (`.+`) \| .+ \|$/gm)].flatMap(([, words]) =>
    [...words!.matchAll(/`([A-Za-z]+)(…?)`/g)].map(([, word, more]) => ({
      parts: partsOf(word!),
      isPrefix: more !== '',
    })),
  )
}

/** @returns The names in a file's code, its comments and texts aside, that have a retired word. */
export function retiredIn(code: string, retired: readonly Retired[]): string[] {
  return [...new Set(bare(code).match(/[A-Za-z_$][\w$]*/g) ?? [])].filter((name) => {
    const parts = partsOf(name)
    return retired.some((word) => has(parts, word))
  })
}

function has(parts: readonly string[], { parts: word, isPrefix }: Retired): boolean {
  const beginsAt = (at: number) => word.every((part, i) => parts[at + i] === part)
  if (isPrefix) return parts.length > word.length && beginsAt(0)
  return parts.some((_, at) => beginsAt(at))
}

function partsOf(name: string): string[] {
  return (name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? []).map((part) => part.toLowerCase())
}

function bare(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/g, ' ')
}
