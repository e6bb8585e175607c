/** A TCP line between a client and a server of a test, with faults that the test sets for each direction. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export type Direction = 'toServer' | 'toClient'

export type LineFault =
  /** Everything arrives so much later, in order. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** No more than so many bytes arrive in a second, over all connections. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** A black hole: bytes are accepted and lost. Neither side notices, not even the end of a connection. */
  | { readonly kind: 'drop' }
  /** Bytes arrive when the fault is over, even if their sender has given up by then. */
  | { readonly kind: 'hold' }
  /** So many more bytes of each connection arrive, then it is reset to both sides. */
  | { readonly kind: 'cut'; readonly afterBytes: number }

export type FaultProxy = AsyncDisposable & {
  readonly port: number
  /** For what is sent from now on, on connections that are there too; null: the line is well. */
  set(direction: Direction | 'both', fault: LineFault | null): void
  /** The server's side of each connection is gone, as after a power cut: the client's stays open and silent. */
  halfOpen(): void
  /** Resets each connection. */
  cutAll(): void
  /** Whether new connections are refused. Those that are there go on. */
  refuse(isRefusing: boolean): Promise<void>
}

type Line = { readonly near: Socket; readonly far: Socket; isHalfOpen: boolean; pumps: (() => void)[] }
const directions = ['toServer', 'toClient'] as const

/** @param target  The server's port on this machine. */
export async function startFaultProxy(target: number): Promise<FaultProxy> {
  const lines = new Set<Line>()
  const faults: Record<Direction, LineFault | null> = { toServer: null, toClient: null }
  /** By `performance.now()`: when the throttled line has carried all it was given. */
  const freeAt: Record<Direction, number> = { toServer: 0, toClient: 0 }

  const server = createServer((near) => {
    const line: Line = { near, far: connect(target, '127.0.0.1'), isHalfOpen: false, pumps: [] }
    lines.add(line)
    join(line, 'toServer')
    join(line, 'toClient')
    // In a black hole one end may outlive the other: as it would, until its own patience ends.
    for (const [one, other] of [
      [line.near, line.far],
      [line.far, line.near],
    ] as const)
      one.on('close', () => {
        if (other.destroyed) lines.delete(line)
      })
  })

  function join(line: Line, direction: Direction): void {
    const [from, to] = direction === 'toServer' ? [line.near, line.far] : [line.far, line.near]
    /** What is on its way, in order, and when each arrives. */
    const onItsWay: { readonly at: number; act(): void }[] = []
    let timer: NodeJS.Timeout | undefined
    let carried = 0

    function send(bytes: number, act: () => void): void {
      const fault = faults[direction]
      const now = performance.now()
      let at = Math.max(now, onItsWay.at(-1)?.at ?? 0)
      if (fault?.kind === 'delay') at = Math.max(at, now + fault.ms)
      if (fault?.kind === 'throttle') {
        freeAt[direction] = Math.max(freeAt[direction], now) + (bytes / fault.bytesPerSecond) * 1000
        at = Math.max(at, freeAt[direction])
      }
      onItsWay.push({ at, act })
      pump()
    }

    function pump(): void {
      clearTimeout(timer)
      if (faults[direction]?.kind === 'hold') return
      for (let next = onItsWay[0]; next; next = onItsWay[0]) {
        const restMs = next.at - performance.now()
        if (restMs > 0) {
          timer = setTimeout(pump, Math.ceil(restMs))
          return
        }
        onItsWay.shift()
        next.act()
      }
    }

    line.pumps.push(pump)
    from.setNoDelay(true)
    from.on('error', () => undefined)
    from.on('data', (chunk: Buffer) => {
      const fault = faults[direction]
      if (line.isHalfOpen || fault?.kind === 'drop') return
      if (fault?.kind !== 'cut') carried = 0
      else if (carried + chunk.length > fault.afterBytes) {
        to.write(chunk.subarray(0, Math.max(0, fault.afterBytes - carried)), () => reset(line))
        return
      } else carried += chunk.length
      send(chunk.length, () => to.write(chunk))
    })
    from.on('close', () => {
      if (!line.isHalfOpen && faults[direction]?.kind !== 'drop') send(0, () => to.end())
    })
  }

  function reset({ near, far }: Line): void {
    near.resetAndDestroy()
    far.resetAndDestroy()
  }

  const port = await listening(server, 0)
  return {
    port,
    set(direction, fault) {
      for (const one of directions) {
        if (direction !== 'both' && direction !== one) continue
        faults[one] = fault
      }
      for (const line of lines) for (const pump of line.pumps) pump()
    },
    halfOpen() {
      for (const line of lines) {
        line.isHalfOpen = true
        line.far.destroy()
      }
    },
    cutAll() {
      for (const line of lines) reset(line)
    },
    async refuse(isRefusing) {
      if (isRefusing && server.listening) server.close()
      if (!isRefusing && !server.listening) await listening(server, port)
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) server.close()
      for (const { near, far } of lines) {
        near.destroy()
        far.destroy()
      }
    },
  }
}

async function listening(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
