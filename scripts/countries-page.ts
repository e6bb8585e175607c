/** docs/countries.md: the wire's country keys, from the table in the code, with the countries whose numbers go with each. */

import examples from 'libphonenumber-js/examples.mobile.json'
import { type CountryCode, getExampleNumber } from 'libphonenumber-js/max'
import metadata from 'libphonenumber-js/metadata.max.json'
import { callingCodeOf, countryKeyOf, countryKeys, defaultCountryKey } from '../src/address/countries.ts'
import { parsePhoneNumber } from '../src/address/phone-number.ts'

const introduction = `<!-- Made by "npm run docs" from src/address/countries.ts; do not edit. -->

# Country keys

The ${countryKeys.length} values of the field \`country\` in [send, verify and update](wire.md#send-verify-update), spelled as in the
API's reference. Keys are case-sensitive. Without \`country\` the server takes \`${defaultCountryKey}\`. For an e-mail address
the field is ignored.

- A number is refused with \`USG.201040025\` unless the longest calling code here that it begins with is that of the key.
  \`usa\` and \`canada\` both take +1, \`russia\` and \`kazakhstan\` both take +7; neither \`usa\` nor \`canada\` takes the +1242
  of \`bahamas\`.
- Some keys mislead: \`GB\` is Guinea-Bissau and \`UK\` is the United Kingdom; \`dominica\` is the Dominican Republic.
- Some countries have several area codes within +1 and only one of them is listed. Their other numbers go with \`usa\` or
  \`canada\`: +1829 and +1849 of the Dominican Republic, +1658 of Jamaica, +1939 of Puerto Rico.
- A number whose calling code is not in this table, such as one of Iceland, has no key, and is refused with any.
- The key is not the region that settings use: \`policy.countries\` and routes have ISO regions, such as \`CN\`.

| key | calling code | numbers of |
|---|---|---|`

const names = new Intl.DisplayNames('en', { type: 'region' })

export function countriesPage(): string {
  const regions = regionsByKey()
  const rows = countryKeys.map((key) => {
    const named = (regions.get(key) ?? []).map((region) => `${names.of(region)} (${region})`)
    return `| \`${key}\` | +${callingCodeOf(key)} | ${named.join(', ')} |`
  })
  return `${[introduction, ...rows].join('\n')}\n`
}

/** The regions whose example number is shown with a key; the main one of a shared calling code comes first. */
function regionsByKey(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const region of Object.values(metadata.country_calling_codes).flat() as CountryCode[]) {
    const parsed = parsePhoneNumber(getExampleNumber(region, examples)?.number ?? '')
    const key = parsed.kind === 'parsed' ? countryKeyOf(parsed.address) : undefined
    if (key !== undefined) found.set(key, [...(found.get(key) ?? []), region])
  }
  return found
}
