/** Turns addresses as Chinese and Japanese keyboards type them into the characters that addresses consist of. */

/**
 * Full-width forms (U+FF01 to U+FF5E) stand for ASCII, as in other identifiers (RFC 8265 3.3.1, width mapping);
 * ideographic full stops are dots, as in domain names (UTS #46 2.3). This comes before all checks, so that a full-width
 * quote or comma is refused like an ASCII one.
 */
export function inPlainWidth(text: string): string {
  // Nearly all texts have none of them.
  if (!/[\u3002\uff01-\uff61]/.test(text)) return text
  return text
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[\u3002\uff61]/g, '.')
}
