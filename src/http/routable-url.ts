/** Paths whose percent-encoding is not that of UTF-8, which Fastify would answer by itself, and repeat in its answer. */

/** The same path, in a form that leads to the routes of the same dialect. */
export function routableUrl(url: string): string {
  return isDecodable(url) ? url : pathOf(url).replaceAll('%', '_')
}

export function isDecodable(url: string): boolean {
  if (!url.includes('%')) return true
  try {
    decodeURIComponent(pathOf(url))
    return true
  } catch {
    return false
  }
}

function pathOf(url: string): string {
  return url.split('?', 1)[0]!
}
