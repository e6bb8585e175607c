/** One command to one Redis node over a connection of its own: no client, so that a test trusts none. */

import { connect } from 'node:net'

/** A reply as Redis gives it: text, number, null, or a list of them. An error reply rejects. */
export type Reply = string | number | null | Reply[]

/**
 * @param password  null: none.
 * @throws Error  No connection, no answer in time, or the words of an error reply.
 */
export function redisCommand(
  port: number,
  password: string | null,
  args: readonly string[],
  timeoutMs = 5_000,
): Promise<Reply> {
  const commands = password === null ? [args] : [['AUTH', password], args]
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let received: Buffer = Buffer.alloc(0)
    const end = (outcome: () => void) => {
      socket.destroy()
      outcome()
    }
    socket.setTimeout(timeoutMs, () => end(() => reject(new Error(`Redis ${port} does not answer`))))
    socket.on('error', (error) => end(() => reject(error)))
    socket.on('close', () => reject(new Error(`Redis ${port} hung up`)))
    socket.on('connect', () => socket.write(commands.map(encoded).join('')))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const replies: (Reply | Error)[] = []
      for (let at = 0; replies.length < commands.length; ) {
        const parsed = parse(received, at)
        if (parsed === null) return
        replies.push(parsed.reply)
        at = parsed.next
      }
      const failed = replies.find((reply) => reply instanceof Error)
      end(() => (failed ? reject(failed) : resolve(replies.at(-1) as Reply)))
    })
  })
}

function encoded(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`
}

type Parsed = { readonly reply: Reply | Error; readonly next: number }

/** RESP 2. @returns null if the rest has not arrived yet. */
function parse(bytes: Buffer, at: number): Parsed | null {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd < 0) return null
  const kind = String.fromCharCode(bytes[at]!)
  const line = bytes.toString('utf8', at + 1, lineEnd)
  const next = lineEnd + 2
  if (kind === '+') return { reply: line, next }
  if (kind === '-') return { reply: new Error(line), next }
  if (kind === ':') return { reply: Number(line), next }
  const length = Number(line)
  if (length < 0) return { reply: null, next }
  if (kind === '$') {
    if (bytes.length < next + length + 2) return null
    return { reply: bytes.toString('utf8', next, next + length), next: next + length + 2 }
  }
  const list: Reply[] = []
  let position = next
  for (let nth = 0; nth < length; nth++) {
    const item = parse(bytes, position)
    if (item === null) return null
    list.push(item.reply instanceof Error ? item.reply.message : item.reply)
    position = item.next
  }
  return { reply: list, next: position }
}
