/** A DNS server on this machine that knows what a test tells it, and counts what it is asked (RFC 1035). */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

export type DnsServer = AsyncDisposable & {
  /** HOST:PORT */
  readonly address: string
  /** Names asked for, one for each question of A. */
  readonly asked: string[]
  /** Addresses of a name, and how long they are good for; others do not exist. */
  readonly names: Map<string, { readonly addresses: readonly string[]; readonly ttlSeconds: number }>
}

const [typeA, typeAaaa] = [1, 28]
const noSuchName = 3

export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  const names: DnsServer['names'] = new Map()
  socket.on('message', (question, { port, address }) => {
    const labels: string[] = []
    let at = 12
    while (question[at] !== 0) {
      labels.push(question.toString('ascii', at + 1, at + 1 + question[at]!))
      at += 1 + question[at]!
    }
    const type = question.readUInt16BE(at + 1)
    const name = labels.join('.')
    if (type === typeA) asked.push(name)
    const known = names.get(name)
    const records = (known?.addresses ?? [])
      .filter((one) => isIPv4(one) === (type === typeA) && (type === typeA || type === typeAaaa))
      .map((one) => recordOf(one, type, known!.ttlSeconds))
    const header = Buffer.alloc(12)
    question.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8180 | (known ? 0 : noSuchName), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(records.length, 6)
    socket.send(Buffer.concat([header, question.subarray(12, at + 5), ...records]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    names,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** The name is that of the question. */
function recordOf(address: string, type: number, ttlSeconds: number): Buffer {
  const bytes = isIPv4(address) ? address.split('.').map(Number) : bytesOfIpv6(address)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(ttlSeconds, 6)
  head.writeUInt16BE(bytes.length, 10)
  return Buffer.concat([head, Buffer.from(bytes)])
}

function bytesOfIpv6(address: string): number[] {
  const [left = '', right = ''] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((one) => Number.parseInt(one, 16)))
  const [first, last] = [groups(left), groups(right)]
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
  return all.flatMap((group) => [group >> 8, group & 255])
}
