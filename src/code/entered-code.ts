/** Turns a code as people type or paste it into the digits that were sent. */

/** The zeros of the scripts whose keyboards type digits of their own (Unicode, General_Category Nd). */
const zeros = [
  0xff10, // full-width
  0x0660, // Arabic-Indic
  0x06f0, // Persian, Urdu
  0x0966, // Devanagari
  0x09e6, // Bengali
  0x0e50, // Thai
  0x0ed0, // Lao
  0x1040, // Burmese
  0x17e0, // Khmer
]

/** Blanks and line ends of any kind, hyphens and dashes, and characters that show nothing. */
const between = /[\s\p{Pd}\p{Cf}\u2212]/gu

/**
 * Removes the characters that copying and pasting puts between digits, and nothing else: a text that is no code does not
 * become one. Every entered code goes through here before it is compared, so its time shows nothing.
 */
export function enteredCode(text: string): string {
  return text.replace(between, '').replace(/\p{Nd}/gu, (digit) => {
    const point = digit.codePointAt(0)!
    const zero = zeros.find((one) => point >= one && point < one + 10)
    return zero === undefined ? digit : String(point - zero)
  })
}

/**
 * Folds what people take for another character of Crockford's Base 32: small letters, O for 0, I and L for 1.
 * @param code  See `enteredCode`.
 */
export function enteredCrockford(code: string): string {
  return code.normalize('NFKC').toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1')
}
