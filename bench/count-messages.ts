/**
 * Loaded into a server before anything else: counts what it asks of its engines, by what it writes to their
 * sockets, and tells it to the process that started it. A round trip is what an engine answers at once.
 */

import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'

export type Counted = { readonly roundTrips: number; readonly statements: number }

type Protocol = 'postgres' | 'redis' | 'other'

/** By port, as the starter names them. */
const protocols: Readonly<Record<string, Protocol>> = JSON.parse(process.env.BENCH_ENGINES ?? '{}')

const counted: Record<string, { roundTrips: number; statements: number }> = {}

if (isMainThread && process.send) {
  const { connect } = Socket.prototype
  Socket.prototype.connect = function (this: Socket, ...args: never[]) {
    watch(this)
    return (connect as (...args: never[]) => Socket).apply(this, args)
  } as typeof connect
  process.on('message', () => process.send!(counted))
  process.channel?.unref()
}

type Writes = {
  _write(chunk: Buffer | string, encoding: BufferEncoding, callback: () => void): void
  _writev(chunks: { chunk: Buffer | string }[], callback: () => void): void
}

function watch(socket: Socket): void {
  let protocol: Protocol | undefined
  const count = (chunks: readonly (Buffer | string)[]) => {
    protocol ??= protocols[String(socket.remotePort)] ?? 'other'
    if (protocol !== 'other') add(protocol, chunks)
  }
  const stream = socket as unknown as Writes
  const { _write, _writev } = stream
  stream._write = function (chunk, encoding, callback) {
    count([chunk])
    _write.call(this, chunk, encoding, callback)
  }
  stream._writev = function (chunks, callback) {
    count(chunks.map((one) => one.chunk))
    _writev.call(this, chunks, callback)
  }
}

function add(protocol: Exclude<Protocol, 'other'>, chunks: readonly (Buffer | string)[]): void {
  counted[protocol] ??= { roundTrips: 0, statements: 0 }
  const sum = counted[protocol]
  const all = chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
  if (protocol === 'redis') {
    sum.roundTrips++
    for (const chunk of all) sum.statements += commandsIn(chunk)
  } else
    for (const type of all.flatMap(messagesIn)) {
      if (type === 'S' || type === 'Q') sum.roundTrips++
      if (type === 'E' || type === 'Q') sum.statements++
    }
}

/** Types of the messages of PostgreSQL's protocol, whole in a chunk as the client writes them. */
function messagesIn(chunk: Buffer): string[] {
  const types: string[] = []
  for (let at = 0; at + 5 <= chunk.length; at += 1 + chunk.readUInt32BE(at + 1))
    types.push(String.fromCharCode(chunk[at]!))
  return types
}

/** Of RESP: each is an array of bulk strings; what a client cuts in two is counted by its first piece. */
function commandsIn(chunk: Buffer): number {
  let commands = 0
  for (let at = 0; at < chunk.length && chunk[at] === 0x2a; ) {
    commands++
    const end = chunk.indexOf('\r\n', at)
    const parts = Number(chunk.toString('latin1', at + 1, end))
    at = end + 2
    for (let part = 0; part < parts && at < chunk.length; part++) {
      const line = chunk.indexOf('\r\n', at)
      at = line + 4 + Number(chunk.toString('latin1', at + 1, line))
    }
  }
  return commands
}
