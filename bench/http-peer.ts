/** An HTTP carrier that takes everything at once: the other end of hand-over under measurement. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

let taken = 0
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    taken++
    response.setHeader('Content-Type', 'application/json')
    response.end(`{"status":"ok","id":"${taken}"}`)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }))
})
