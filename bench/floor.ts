/** The floor: a bare node:http handler that parses the same body and does nothing with it. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk) => {
    body += chunk
  })
  request.on('end', () => {
    JSON.parse(body)
    response.setHeader('Content-Type', 'application/json;charset=UTF-8')
    response.end('{}')
  })
})
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ http: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
})
