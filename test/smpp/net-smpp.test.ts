/** Our SMPP client against an SMSC by Perl's Net::SMPP of Debian. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, type TestContext, test } from 'node:test'
import type { Receipt } from '../../src/delivery/provider.ts'
import { decodeText } from '../../src/providers/smpp/text.ts'
import { requirePeer } from '../peers.ts'
import { until } from '../until.ts'
import { message, never, providerOf } from './smpp-providers.ts'

const { skip } = requirePeer('Net::SMPP (apt-get install libnet-smpp-perl)', '/usr/share/perl5/Net/SMPP.pm')

/** An SMSC for one session, with the lines it prints. */
async function perlSmsc(t: TestContext) {
  const child = spawn('perl', [join(import.meta.dirname, 'net-smpp.pl')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill())
  const lines: string[] = []
  const reader = createInterface(child.stdout)
  const [port] = await once(reader, 'line')
  reader.on('line', (line) => lines.push(line))
  const ended = once(child, 'exit')
  return { port: Number(port), lines, ended }
}

suite('Net::SMPP', { skip: skip ?? false }, () => {
  test('takes codes in three alphabets, throttles a third of them, tells receipts, and sees us off', async (t) => {
    const smsc = await perlSmsc(t)
    const receipts: Receipt[] = []
    const provider = providerOf(t, smsc.port, {
      settings: { receiptIds: 'decimal-to-hex', sender: 'Acme' },
      timings: { closeMs: 5_000 },
      receive: async (told) => void receipts.push(...told),
    })
    await provider.check?.()
    const texts = ['your code is 012345 @ [x] €', '【会议】您的验证码是 012345', '😀 012345', 'plain 000111']
    const accepted = await Promise.all(texts.map((text) => provider.send({ ...message, text }, never)))
    await until(() => receipts.length >= 4 && smsc.lines.length >= 8)

    const submits = smsc.lines.filter((line) => !line.startsWith('deliver')).map((line) => line.split(' '))
    assert.deepEqual(
      submits
        .map((fields) => decodeText(Buffer.from(fields[10]!, 'hex'), Number(fields[9]), 'gsm'))
        .toSorted(),
      texts.toSorted(),
    )
    for (const fields of submits) {
      assert.deepEqual(fields.slice(0, 7), ['5', '0', 'Acme', '1', '1', '8613800138000', '0'])
      assert.match(fields[7]!, /^0000000000[0-5]\d000R$|^000000000100000R$/)
      assert.equal(fields[8], '1')
      assert.equal(fields[11], 'beef')
    }
    assert.equal(smsc.lines.filter((line) => line === 'deliver_sm_resp 0').length, 4)
    // The response had the id 0000ABC1; the receipt's text 43969, its parameter 0000ABC2.
    assert.deepEqual(
      receipts.map(({ key }) => key).toSorted(),
      accepted.map(({ receiptKey }) => receiptKey).toSorted(),
    )
    assert.deepEqual(
      new Set(receipts.map(({ state, providerCode }) => `${state} ${providerCode}`)),
      new Set(['delivered DELIVRD 000', 'undeliverable UNDELIV']),
    )
    await provider.close?.()
    const [code] = await smsc.ended
    assert.equal(code, 0, 'it ended by our unbind')
  })

  test('refuses a wrong password, and the reason is told', async (t) => {
    const smsc = await perlSmsc(t)
    const provider = providerOf(t, smsc.port, { settings: { password: 'wrong' } })
    await assert.rejects(async () => provider.check?.(), /bind refused: 0x0000000E ESME_RINVPASWD/)
  })
})
