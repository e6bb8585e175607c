/** Where the hosted page may send people: to places that the app has listed, so that nobody is led elsewhere by our name. */

import { isLoopback } from '../network/loopback.ts'

/**
 * Whether a person may be sent to a URL: one of the listed, or below a listed one that ends with a slash. A listed URL of
 * this machine stands for all its ports, because programs there get theirs at their start (RFC 8252, 7.3).
 */
export function isListedReturn(url: string, listed: readonly string[]): boolean {
  const target = URL.parse(url)
  if (target === null || !isReturnUrl(target)) return false
  return listed.some((text) => {
    const one = new URL(text)
    return (
      one.protocol === target.protocol &&
      (isLoopback(one.hostname) ? one.hostname === target.hostname : one.host === target.host) &&
      (one.pathname === target.pathname ||
        (one.pathname.endsWith('/') && target.pathname.startsWith(one.pathname)))
    )
  })
}

/** Whether a URL is one that people may be sent to at all: by HTTPS, or to this machine. */
export function isReturnUrl({ protocol, hostname, pathname, username, password, hash }: URL): boolean {
  return (
    // A slash or backslash that is encoded is one to some servers, and then "..%2f" leads elsewhere.
    !/%2f|%5c/i.test(pathname) &&
    (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) &&
    username === '' &&
    password === '' &&
    hash === ''
  )
}

/** Where the person goes with the result; without one, they gave up. */
export function returnUrlWith(returnUrl: string, result: string | null): string {
  const url = new URL(returnUrl)
  if (result === null) url.searchParams.set('cancelled', 'true')
  else url.searchParams.set('result', result)
  return url.href
}
