/** Texts as bytes. */

export type Bytes = Uint8Array<ArrayBuffer>

export function bytesOf(...parts: readonly (string | Uint8Array)[]): Bytes {
  const encoder = new TextEncoder()
  const all = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part))
  const bytes = new Uint8Array(all.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of all) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** @returns Undefined if the text is no base64, of either alphabet. */
export function bytesOfBase64(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0))
  } catch {
    return undefined
  }
}
