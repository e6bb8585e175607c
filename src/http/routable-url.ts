/**
 * Paths that would not come to their routes: those whose percent-encoding is not that of UTF-8, which Fastify would answer by
 * itself, and repeat in its answer; and accounts with slashes, which the SDKs for Go, Java and Node leave as they are.
 */

/** The same path, in a form that leads to the routes of the same dialect. */
export function routableUrl(url: string, method: string | undefined): string {
  if (!isDecodable(url)) return pathOf(url).replaceAll('%', '_')
  return method === 'GET' || method === 'PUT' ? withWholeAccount(url) : url
}

const ofAccounts = /^(\/v1\/usg\/dcs\/corp\/(?:member\/(?!status\/)|admin\/))([^?]+\/[^?]*)/

/** A member that does not exist is never 404, and an account of App ID logins may be any text. */
function withWholeAccount(url: string): string {
  return url.replace(ofAccounts, (_, start, account) => start + account.replaceAll('/', '%2F'))
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
