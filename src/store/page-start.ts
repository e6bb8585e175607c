/** Where a page of a list begins. */

/** @returns The offset, or the beginning of the last page for an offset past the end. */
export function pageStart(
  count: number,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): number {
  return offset < count ? offset : Math.max(0, Math.floor((count - 1) / limit) * limit)
}
