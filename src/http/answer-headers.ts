/** The headers of every answer of every listener, whatever dialect or page it is from. */

const always = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

/** For a year, browsers shall come by HTTPS alone. Not for a developer's `localhost`, which others share. */
const strict = { ...always, 'strict-transport-security': 'max-age=31536000; includeSubDomains' }

/** @param isStrict  Demand HTTPS from browsers from now on. */
export function headersOfEveryAnswer(isStrict: boolean): Readonly<Record<string, string>> {
  return isStrict ? strict : always
}
