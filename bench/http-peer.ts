/**
 * An HTTP carrier that takes everything at once: the other end of hand-over under measurement. Bodies posted to
 * /keep are kept until GET /kept asks for them, a JSON text a line: so a bench learns codes as their addressees do.
 * GET /taken answers how many messages came to /send.
 */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

let taken = 0
let kept: string[] = []
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(request.url === '/taken' ? String(taken) : kept.join('\n'))
    if (request.url === '/kept') kept = []
    return
  }
  if (request.url === '/keep') {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => kept.push(body))
  } else {
    request.resume()
    taken++
  }
  request.on('end', () => {
    response.setHeader('Content-Type', 'application/json')
    response.end('{"status":"ok","id":"0123456789"}')
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }))
})
