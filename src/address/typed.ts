/** Addresses as Chinese and Japanese keyboards type them, in the characters that addresses are made of. */

/**
 * Full-width forms (U+FF01 to U+FF5E) stand for ASCII, as identifiers are read elsewhere (RFC 8265 3.3.1, width mapping);
 * ideographic full stops are dots, as in domain names (UTS #46 2.3). Done before anything is judged: what they hide,
 * a quote or a comma say, is refused as itself.
 */
export function inPlainWidth(text: string): string {
  return text
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[\u3002\uff61]/g, '.')
}
