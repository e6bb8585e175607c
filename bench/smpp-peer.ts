/** The peer of the SMPP benchmark: answers each request by its head alone, and has no other work. */

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

const server = createServer((socket) => {
  let rest = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const answers: Buffer[] = []
    let at = 0
    while (at + 16 <= bytes.length && at + bytes.readUInt32BE(at) <= bytes.length) {
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
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }))
})
