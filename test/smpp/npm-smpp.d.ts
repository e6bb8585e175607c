/** What tests and benchmarks use of the npm package smpp, which has no types of its own. */

declare module 'smpp' {
  import type { EventEmitter } from 'node:events'
  import type { Server } from 'node:net'

  type Fields = Record<string, unknown>
  type Pdu = Fields & { command_status: number; message_id: string; response(fields?: Fields): Pdu }
  type Session = EventEmitter & {
    on(event: string, listener: (pdu: Pdu) => void): Session
    send(pdu: Pdu): boolean
    close(): void
    deliver_sm(fields: Fields, onResponse: (response: Pdu) => void): boolean
    submit_sm(fields: Fields, onResponse: (response: Pdu) => void): boolean
    bind_transceiver(fields: Fields, onResponse: (response: Pdu) => void): boolean
  }
  const smpp: {
    createServer(onSession: (session: Session) => void): Server
    connect(options: Fields): Session
    readonly ESME_RTHROTTLED: number
    readonly ESME_RBINDFAIL: number
  }
  export default smpp
}
