/** Forms of national mobile numbers that went out of use, and the form of today for each. */

type OldForm = { readonly form: RegExp; readonly now: string }

/**
 * By region: patterns of the national number as the library's parser returns it. Only forms with a single meaning are
 * here. Left out are Brazil's 7, which a network that never got the ninth digit used too, and Côte d'Ivoire, where the
 * new prefix depends on the operator.
 */
const oldForms: Readonly<Record<string, readonly OldForm[]>> = {
  // People leave out the 9 that a mobile number has before its area code when dialled from abroad (libphonenumber, AR:
  // numbers with the 9 are mobile). Without it the number looks like a fixed line, but a code by SMS goes to no fixed line.
  AR: [{ form: /^([1-3]\d{9})$/, now: '9$1' }],
  // Two digits were put in front of all numbers on 2024-11-30 (ARCEP Bénin).
  BJ: [{ form: /^([4-69]\d{7})$/, now: '01$1' }],
  // The ninth digit, 2012 to 2016, in front of all mobiles (Anatel).
  BR: [{ form: /^([1-9]{2})([689]\d{7})$/, now: '$19$2' }],
  // Ten digits and no prefixes since 2019-08-03 (IFT); libphonenumber dropped 1, 01, 044 and 045 too.
  MX: [{ form: /^(?:1|01|044|045)([2-9]\d{9})$/, now: '$1' }],
}

/** @returns The national number as it is today; undefined if it has no old form that is known. */
export function modernForm(region: string, national: string): string | undefined {
  const old = oldForms[region]?.find(({ form }) => form.test(national))
  return old && national.replace(old.form, old.now)
}
