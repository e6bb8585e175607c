/** The id of a verification as callers know it. */

const pattern = /^ver_([0-9a-f]{47})$/

export function publicIdOf(id: string): string {
  return `ver_${id}`
}

/** @returns The id in the store; undefined if the text is no id. */
export function idOfPublic(text: string): string | undefined {
  return pattern.exec(text)?.[1]
}
