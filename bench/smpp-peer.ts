/**
 * The peer of the SMPP benchmarks: answers each request by its head alone, and has no other work. It answers by HTTP,
 * too, how many messages it was handed.
 */

import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'

const submitSm = 0x00000004
let taken = 0

const server = createServer((socket) => {
  let rest = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const answers: Buffer[] = []
    let at = 0
    while (at + 16 <= bytes.length && at + bytes.readUInt32BE(at) <= bytes.length) {
      if (bytes.readUInt32BE(at + 4) === submitSm) taken++
      // The response's id has the first bit set; an id of nine characters fits submit_sm and bind alike.
      const answer = Buffer.alloc(26)
      answer.writeUInt32BE(answer.length, 0)
      answer.writeUInt32BE((bytes.readUInt32BE(at + 4) | 0x80000000) >>> 0, 4)
      bytes.copy(answer, 12, at + 12, at + 16)
      answer.write('0123abcde', 16, 'latin1')
      answers.push(answer)
      at += bytes.readUInt32BE(at)
    }
    rest = Buffer.from(bytes.subarray(at))
    if (answers.length > 0) socket.write(Buffer.concat(answers))
  })
})
const counts = createHttpServer((_, response) => response.end(String(taken)))
const portOf = (listening: { address(): unknown }) => (listening.address() as AddressInfo).port
server.listen(0, '127.0.0.1', () =>
  counts.listen(0, '127.0.0.1', () =>
    console.log(JSON.stringify({ port: portOf(server), counts: `http://127.0.0.1:${portOf(counts)}` })),
  ),
)
