/** The headers of every answer of every listener, whatever dialect or page it is from. */

const always = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

/** Browsers must use HTTPS alone for a year. Not for a developer's `localhost`, which other servers share. */
const strict = { ...always, 'strict-transport-security': 'max-age=31536000; includeSubDomains' }

/** @param isStrict  Whether browsers must use HTTPS from now on. */
export function headersOfEveryAnswer(isStrict: boolean): Readonly<Record<string, string>> {
  return isStrict ? strict : always
}
