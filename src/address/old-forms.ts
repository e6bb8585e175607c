/** National forms of mobile numbers that went out of use, and the form that took their place. */

type OldForm = { readonly form: RegExp; readonly now: string }

/**
 * By region, of the national number as the library's parser leaves it. Only what has one meaning: Brazil's 7 was also
 * used by a network that never got the ninth digit, and Côte d'Ivoire's new prefix depends on the operator.
 */
const oldForms: Readonly<Record<string, readonly OldForm[]>> = {
  // From abroad a mobile has a 9 in front of the area code, which people leave out (libphonenumber: AR, mobile numbers
  // are those with 9). Fixed lines are out of the question where a code is to go by SMS.
  AR: [{ form: /^([1-3]\d{9})$/, now: '9$1' }],
  // Two digits were put in front of all numbers on 2024-11-30 (ARCEP Bénin).
  BJ: [{ form: /^([4-69]\d{7})$/, now: '01$1' }],
  // The ninth digit, 2012 to 2016, in front of all mobiles (Anatel).
  BR: [{ form: /^([1-9]{2})([689]\d{7})$/, now: '$19$2' }],
  // Since 2019-08-03 ten digits and no prefixes: IFT; libphonenumber dropped 1, 01, 044 and 045 too.
  MX: [{ form: /^(?:1|01|044|045)([2-9]\d{9})$/, now: '$1' }],
}

/** @returns The national number as it is today; undefined if it has no old form that is known. */
export function modernForm(region: string, national: string): string | undefined {
  const old = oldForms[region]?.find(({ form }) => form.test(national))
  return old && national.replace(old.form, old.now)
}
