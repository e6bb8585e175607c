/** What a test does with codes over HTTP: sends one and reads it, enters it, makes a member whose contact is proved. */

import assert from 'node:assert/strict'
import { type Answer, paths, type Server } from './server.ts'
import { until } from './until.ts'

/** Asks for a code. */
export const send = (
  server: Server,
  token: string,
  contact: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => server.call('POST', paths.send, { token, headers, body: { contact } })

/** @returns The code that arrived. */
export async function sendTo(server: Server, token: string, contact: string): Promise<string> {
  const answer = await send(server, token, contact)
  assert.equal(answer.status, 200, answer.text)
  return server.codeFor(contact)
}

/** Enters a code. */
export const verify = (
  server: Server,
  token: string,
  contact: string,
  verificationCode: string,
): Promise<Answer> => server.call('POST', paths.verify, { token, body: { contact, verificationCode } })

/** A member who has a phone, whose next code to it is therefore used up by a verify. */
export async function ownerOf(server: Server, userId: string, contact: string): Promise<string> {
  const token = await server.logIn(userId)
  const verificationCode = await sendTo(server, token, contact)
  const answer = await server.call('PUT', paths.contact, { token, body: { contact, verificationCode } })
  assert.equal(answer.status, 200, answer.text)
  return token
}

/** Sends once more and waits for a message that was not there before. */
export async function nextCode(server: Server, token: string, contact: string): Promise<string> {
  const before = (await server.inbox(contact)).length
  const answer = await send(server, token, contact)
  assert.equal(answer.status, 200, answer.text)
  return until(async () => {
    const messages = await server.inbox(contact)
    return messages.length > before && messages[0]!.code!
  })
}
