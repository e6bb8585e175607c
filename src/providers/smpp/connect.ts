/** Connects to an SMSC by TCP, or by TLS with its certificate checked, within a time limit. */

import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { lookupName } from '../../network/names.ts'

export type Peer = {
  readonly host: string
  readonly port: number
  /** null: no TLS. */
  readonly tls: { readonly ca: readonly string[] | null } | null
}

/** @throws Error with words for people if it is not connected, or its certificate not trusted, in `timeoutMs`. */
export function connectTo(peer: Peer, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  const { host, port, tls } = peer
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls({
          host,
          port,
          lookup: lookupName,
          minVersion: 'TLSv1.2',
          ...(isIP(host) === 0 && { servername: host }),
          ...(tls.ca && { ca: [...tls.ca] }),
        })
      : connectTcp({ host, port, lookup: lookupName })
    const fail = (words: string) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      reject(new Error(words))
    }
    const onAbort = () => fail('closing')
    const onError = (error: Error & { code?: string }) =>
      fail(error.message || (error.code ?? 'no connection'))
    const onClose = () => fail('the peer closed the connection')
    const timer = setTimeout(() => fail(`no connection in ${timeoutMs / 1000} s`), timeoutMs)
    signal.addEventListener('abort', onAbort)
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      socket.off('close', onClose)
      resolve(socket)
    })
    if (signal.aborted) onAbort()
  })
}
