/** An SMSC in the test's own process. It outlives the server under test, keeps every submit, and has scripted faults. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { createReader } from '../../src/providers/smpp/framing.ts'
import {
  type BodyOf,
  decodePdu,
  encodePdu,
  type Pdu,
  type PduName,
  simplePdu,
} from '../../src/providers/smpp/pdu.ts'
import { type Alphabet, decodeText, readHeader, userDataHeaderBit } from '../../src/providers/smpp/text.ts'
import { noTlvs, type Tlvs, textTlv, tlvTags, uint8Tlv } from '../../src/providers/smpp/tlv.ts'

/** A submit_sm as it came; of a message in parts there are several. */
export type Submit = {
  /** Counts connections from 0. */
  readonly connection: number
  /** E.164, with its plus. */
  readonly to: string
  readonly text: string
  readonly part: { readonly reference: number; readonly total: number; readonly number: number } | null
  /** The one group of 6 to 10 digits in the text. */
  readonly code: string | undefined
  /** user_message_reference: the first 16 bits of our message id. */
  readonly reference: number | undefined
  readonly pdu: Pdu<'submit_sm'>
  /** As it was answered; undefined if it was not. */
  status: number | undefined
  /** The id it was answered with. */
  messageId: string | undefined
}

export type ReceiptPlan = {
  readonly stat: string
  readonly err?: string
  /** Not the id it was answered with. */
  readonly id?: string
  /** From the answer; less than 0: just before it. */
  readonly afterMs?: number
  readonly form?: 'text' | 'tlv'
}

/** What becomes of a submit. */
export type Answer = {
  readonly status?: number
  readonly id?: string
  readonly delayMs?: number
  readonly receipts?: readonly ReceiptPlan[]
  /** silence: never answered · drop: the connection is cut · bytes: these are sent. */
  readonly instead?: 'silence' | 'drop' | Buffer
}

/** The fault script; tests set it as they go. */
export type Script = {
  /** `n` counts submits from 0, over all connections. */
  answer: (submit: Submit, n: number) => Answer
  /** command_status of the response to a bind. */
  bindStatus: (bind: BodyOf<'bind_transceiver'>, connection: number) => number
  /** sc_interface_version of the same; null: it is not sent. */
  version: number | null
  /** To such a connection nothing is answered, enquire_link included: a peer that is gone without a word. */
  isDeaf: (connection: number) => boolean
  /** How what it writes is cut: each PDU by itself, octet by octet, or all of some milliseconds in one. */
  cut: 'pdus' | 'octets' | 'merged'
}

export type FakeSmsc = AsyncDisposable & {
  readonly port: number
  readonly script: Script
  readonly submits: Submit[]
  readonly binds: { readonly name: PduName; readonly body: BodyOf<'bind_transceiver'> }[]
  /** Responses of clients to what was delivered, in the order they came. */
  readonly answers: Pdu[]
  /** Every PDU that came, by name. */
  readonly counts: Partial<Record<PduName, number>>
  /** Whatever no client should send: broken frames, unknown commands, fields missing. */
  readonly complaints: string[]
  readonly connections: number
  /** Sends to the latest bound receiver or transceiver; resolves with its response. */
  deliver(body: Partial<BodyOf<'deliver_sm'>>, tlvs?: Tlvs): Promise<Pdu>
  /** Sends to every connection. */
  write(bytes: Buffer): void
  /** Cuts every connection. */
  drop(): void
}

export type FakeSmscOptions = {
  readonly port?: number
  readonly alphabet?: Alphabet
  readonly tls?: { readonly key: string; readonly cert: string }
}

type Connection = {
  readonly socket: Socket
  write(bytes: Buffer): void
  canReceive: boolean
  sequence: number
}

export async function startFakeSmsc(options: FakeSmscOptions = {}): Promise<FakeSmsc> {
  const script: Script = {
    answer: () => ({}),
    bindStatus: () => 0,
    version: 0x34,
    isDeaf: () => false,
    cut: 'pdus',
  }
  const submits: Submit[] = []
  const binds: FakeSmsc['binds'] = []
  const answers: Pdu[] = []
  const counts: FakeSmsc['counts'] = {}
  const complaints: string[] = []
  const connections = new Set<Connection>()
  const waiting = new Map<number, (pdu: Pdu) => void>()
  const timers = new Set<NodeJS.Timeout>()
  let connected = 0
  let deliveries = 0

  const later = (ms: number, act: () => void) => {
    if (ms <= 0) return act()
    const timer = setTimeout(() => {
      timers.delete(timer)
      act()
    }, ms)
    timers.add(timer)
  }

  function onConnection(socket: Socket): void {
    const number = connected++
    let merged: Buffer[] = []
    const connection: Connection = {
      socket,
      canReceive: false,
      sequence: 0,
      write(bytes) {
        if (socket.destroyed) return
        if (script.cut === 'pdus') socket.write(bytes)
        else if (script.cut === 'octets') for (const octet of bytes) socket.write(Buffer.of(octet))
        else if (merged.push(bytes) === 1)
          later(5, () => {
            socket.write(Buffer.concat(merged))
            merged = []
          })
      },
    }
    connections.add(connection)
    const reader = createReader((frame) => {
      const decoded = decodePdu(frame)
      if (decoded.kind === 'unknown') {
        complaints.push(`unknown command ${decoded.id.toString(16)}`)
        connection.write(encodePdu(simplePdu('generic_nack', decoded.sequence, 3)))
        return
      }
      const { pdu, isWhole } = decoded
      counts[pdu.name] = (counts[pdu.name] ?? 0) + 1
      if (script.isDeaf(number)) return
      if (!isWhole) complaints.push(`${pdu.name} is not whole`)
      onPdu(connection, number, pdu)
    })
    socket.setNoDelay(true)
    socket.on('error', () => undefined) // clients that vanish are what these tests are about
    socket.on('close', () => connections.delete(connection))
    socket.on('data', (chunk: Buffer) => {
      if (reader.push(chunk)) return
      complaints.push('no length of a PDU')
      socket.destroy()
    })
  }

  function onPdu(connection: Connection, number: number, pdu: Pdu): void {
    const respond = (answer: Pdu) => connection.write(encodePdu(answer))
    switch (pdu.name) {
      case 'bind_receiver':
      case 'bind_transmitter':
      case 'bind_transceiver': {
        binds.push({ name: pdu.name, body: pdu.body })
        const status = script.bindStatus(pdu.body, number)
        const { version } = script
        const tlvs = version === null ? noTlvs : new Map([[tlvTags.scInterfaceVersion, uint8Tlv(version)]])
        respond({ ...simplePdu(`${pdu.name}_resp`, pdu.sequence, status, 'fake-smsc'), tlvs } as Pdu)
        connection.canReceive = status === 0 && pdu.name !== 'bind_transmitter'
        return
      }
      case 'submit_sm':
        onSubmit(connection, number, pdu)
        return
      case 'enquire_link':
        respond(simplePdu('enquire_link_resp', pdu.sequence))
        return
      case 'unbind':
        respond(simplePdu('unbind_resp', pdu.sequence))
        connection.socket.end()
        return
      case 'deliver_sm_resp':
      case 'data_sm_resp':
      case 'generic_nack':
      case 'enquire_link_resp':
      case 'unbind_resp':
        answers.push(pdu)
        waiting.get(pdu.sequence)?.(pdu)
        waiting.delete(pdu.sequence)
        return
      default:
        complaints.push(`${pdu.name} is not for an SMSC`)
    }
  }

  function onSubmit(connection: Connection, number: number, pdu: Pdu<'submit_sm'>): void {
    const { body, tlvs } = pdu
    const header = body.esmClass & userDataHeaderBit ? readHeader(body.shortMessage) : undefined
    const text = decodeText(header?.part ?? body.shortMessage, body.dataCoding, options.alphabet ?? 'gsm')
    const n = submits.length
    const submit: Submit = {
      connection: number,
      to: `+${body.destinationAddr}`,
      text,
      part: header ?? null,
      code: /(?<!\d)\d{6,10}(?!\d)/.exec(text)?.[0],
      reference: tlvs.get(tlvTags.userMessageReference)?.readUInt16BE(),
      pdu,
      status: undefined,
      messageId: undefined,
    }
    submits.push(submit)
    const answer = script.answer(submit, n)
    later(answer.delayMs ?? 0, () => {
      if (answer.instead === 'silence') return
      if (answer.instead === 'drop') {
        connection.socket.destroy()
        return
      }
      if (answer.instead) {
        connection.write(answer.instead)
        return
      }
      const status = answer.status ?? 0
      const id = status === 0 ? (answer.id ?? `m${n}`) : ''
      submit.status = status
      submit.messageId = id
      const tell = (plan: ReceiptPlan) => void deliver(...receiptOf(submit, plan)).catch(() => undefined)
      for (const plan of answer.receipts ?? []) if ((plan.afterMs ?? 0) < 0) tell(plan)
      connection.write(encodePdu(simplePdu('submit_sm_resp', pdu.sequence, status, id)))
      for (const plan of answer.receipts ?? [])
        if ((plan.afterMs ?? 0) >= 0) later(plan.afterMs ?? 0, () => tell(plan))
    })
  }

  function deliver(body: Partial<BodyOf<'deliver_sm'>>, tlvs: Tlvs = noTlvs): Promise<Pdu> {
    const connection = [...connections].findLast(({ canReceive }) => canReceive)
    if (!connection) return Promise.reject(new Error('nobody is bound to receive'))
    const sequence = ++deliveries
    connection.write(
      encodePdu({ name: 'deliver_sm', status: 0, sequence, body: { ...emptyMessage, ...body }, tlvs }),
    )
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('deliver_sm was not answered')), 10_000)
      timers.add(late)
      waiting.set(sequence, (pdu) => {
        clearTimeout(late)
        timers.delete(late)
        resolve(pdu)
      })
    })
  }

  const server = options.tls ? createTlsServer(options.tls, onConnection) : createServer(onConnection)
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const drop = () => {
    for (const { socket } of connections) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    script,
    submits,
    binds,
    answers,
    counts,
    complaints,
    get connections() {
      return connections.size
    },
    deliver,
    write(bytes) {
      for (const connection of connections) connection.write(bytes)
    },
    drop,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer)
      const closed = once(server, 'close')
      server.close()
      drop()
      await closed
    },
  }
}

/** An empty deliver_sm or submit_sm. */
export const emptyMessage: BodyOf<'deliver_sm'> = {
  serviceType: '',
  sourceAddrTon: 0,
  sourceAddrNpi: 0,
  sourceAddr: '',
  destAddrTon: 0,
  destAddrNpi: 0,
  destinationAddr: '',
  esmClass: 0,
  protocolId: 0,
  priorityFlag: 0,
  scheduleDeliveryTime: '',
  validityPeriod: '',
  registeredDelivery: 0,
  replaceIfPresentFlag: 0,
  dataCoding: 0,
  smDefaultMsgId: 0,
  shortMessage: Buffer.alloc(0),
}

/** message_state by the word of the text. */
const stateOf = ['', 'ENROUTE', 'DELIVRD', 'EXPIRED', 'DELETED', 'UNDELIV', 'ACCEPTD', 'UNKNOWN', 'REJECTD']

/** As SMPP 3.4, appendix B, prints a receipt; the text of the message is in it. */
export function receiptText(id: string, stat: string, err = '000', text = ''): string {
  return `id:${id} sub:001 dlvrd:001 submit date:2603011200 done date:2603011201 stat:${stat} err:${err} text:${text.slice(0, 20)}`
}

function receiptOf(submit: Submit, plan: ReceiptPlan): [Partial<BodyOf<'deliver_sm'>>, Tlvs] {
  const id = plan.id ?? submit.messageId ?? ''
  const { body } = submit.pdu
  const isTlv = plan.form === 'tlv'
  return [
    {
      sourceAddrTon: body.destAddrTon,
      sourceAddrNpi: body.destAddrNpi,
      sourceAddr: body.destinationAddr,
      destAddrTon: body.sourceAddrTon,
      destAddrNpi: body.sourceAddrNpi,
      destinationAddr: body.sourceAddr,
      esmClass: 0x04,
      shortMessage: isTlv
        ? Buffer.alloc(0)
        : Buffer.from(receiptText(id, plan.stat, plan.err, submit.text), 'latin1'),
    },
    isTlv
      ? new Map([
          [tlvTags.receiptedMessageId, textTlv(id)],
          [tlvTags.messageState, uint8Tlv(stateOf.indexOf(plan.stat))],
        ])
      : noTlvs,
  ]
}
