/** A-9 over HTTP: the effects that strangers to a number can have on its holder, and on a member about to store it. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { nextCode, send, verify } from './codes.ts'
import { type Answer, newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

const testNumber = '+8613800138999'
let server: Server

before(async () => {
  const config = join(temporaryFolder(), 'settings.yaml')
  writeFileSync(
    config,
    `addressCap: 8/24h
policy: { limits: { issues: { address: { gaps: [1s] } }, wrong: { network: [40/1h] } } }
testAddresses: [{ address: "${testNumber}", code: "424242", until: 2199-01-01 }]
`,
  )
  server = await startServer({ args: ['--config', config] })
})
after(() => server?.[Symbol.asyncDispose]())

const wordOf = ({ status, json }: Answer) => (status === 200 ? '200' : String(json.error_code))

/** A member who has the number, and may ask for a code by it again. */
async function holderOf(contact: string, name: string): Promise<string> {
  const token = await server.logIn(name)
  const verificationCode = await nextCode(server, token, contact)
  const answer = await server.call('PUT', paths.contact, { token, body: { contact, verificationCode } })
  assert.equal(wordOf(answer), '200')
  await until(async () => wordOf(await server.call('GET', paths.member, { token })) === '200')
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  return token
}

test('a test address has no gaps: a tester repeats at once', async () => {
  const token = await server.logIn('tester')
  const answers = await Promise.all([1, 2, 3].map(() => send(server, token, testNumber)))
  assert.deepEqual(answers.map(wordOf), ['200', '200', '200'])
  assert.equal(wordOf(await verify(server, token, testNumber, '424242')), '200')
})

test('A-9: thirty wrong codes of two who never asked for one leave the right codes and sends of others alone', async () => {
  const contact = newNumber()
  const holder = await holderOf(contact, 'holder-1')
  const asked = newNumber()
  const asker = await server.logIn('asker-1')
  const [ownCode, pendingCode] = [
    await nextCode(server, holder, contact),
    await nextCode(server, asker, asked),
  ]
  const strangers = [await server.logIn('stranger-1'), await server.logIn('stranger-2')]
  for (let nth = 0; nth < 5; nth++)
    for (const number of [contact, asked])
      for (const token of strangers)
        assert.equal(wordOf(await verify(server, token, number, '000000')), 'USG.206030001')
  const more = await Promise.all(
    Array.from({ length: 20 }, (_, nth) => verify(server, strangers[nth % 2]!, contact, '111111')),
  )
  assert.ok(
    more.every((answer) => wordOf(answer) === 'USG.206030019'),
    'they are held to limits of their own',
  )
  assert.equal(wordOf(await verify(server, asker, asked, pendingCode)), '200')
  assert.equal(wordOf(await verify(server, holder, contact, ownCode)), '200')
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  assert.equal(wordOf(await send(server, holder, contact)), '200')
})

test('A-9: who holds a number gets codes by it and enters them, however many others ask and guess', async () => {
  const contact = newNumber()
  const holder = await holderOf(contact, 'holder-2')
  const crowd = await Promise.all([1, 2, 3, 4, 5, 6].map((nth) => server.logIn(`crowd-${nth}`)))
  const words: string[] = []
  for (const token of crowd) words.push(wordOf(await send(server, token, contact)))
  // One of the four for others went to the holder, before the number was theirs.
  assert.deepEqual(words, [...Array(3).fill('200'), ...Array(3).fill('USG.206060008')])
  for (const token of crowd)
    for (let guess = 0; guess < 5; guess++)
      assert.equal(wordOf(await verify(server, token, contact, '000000')), 'USG.206030001')
  // This network is full of wrong codes by now, which refuses new ones to strangers, and none that was sent.
  assert.equal(wordOf(await send(server, await server.logIn('late'), newNumber())), 'USG.206060008')
  assert.equal(wordOf(await verify(server, holder, contact, await nextCode(server, holder, contact))), '200')
})
