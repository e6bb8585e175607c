/** Holds the table "Where is it decided?" of docs/architecture.md to the code. */

/**
 * @param page  Text with rows such as `| question | [path](../src/path.ts) | \`symbol\`, \`other\` |`.
 * @param read  The text of a file of the project, undefined if there is none. By path from its root.
 * @returns A sentence for each symbol that its file does not declare.
 */
export function undeclaredSymbols(page: string, read: (path: string) => string | undefined): string[] {
  const rows = [...page.matchAll(/^\| .+ \| \[[^\]]+\]\(\.\.\/(src\/[^)]+)\) \| (`.+`) \|$/gm)]
  if (rows.length < 10) return [`only ${rows.length} rows name a file and a symbol`]
  return rows.flatMap(([, path, symbols]) =>
    [...symbols!.matchAll(/`(\w+)`/g)]
      .filter(([, symbol]) => !declares(read(path!) ?? '', symbol!))
      .map(([, symbol]) => `${path} does not declare ${symbol}`),
  )
}

function declares(code: string, symbol: string): boolean {
  return new RegExp(`^export (?:async )?(?:function|const|type|class) ${symbol}\\b`, 'm').test(code)
}
