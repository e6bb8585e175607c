/** The shapes of the API: those of the server's document, and an error's. */

export type * from './openapi.ts'

/** RFC 9457, with the members of its type. */
export type Problem = {
  type: string
  title: string
  status: number
  detail?: string
  instance?: string
  [member: string]: unknown
}
