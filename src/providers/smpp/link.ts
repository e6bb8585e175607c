/** One connection that speaks SMPP: requests with their answers and time-outs, and whether the peer is still there. */

import type { Socket } from 'node:net'
import { createReader } from './framing.ts'
import { decodePdu, encodePdu, type Pdu, type PduName, responseBit, responseTo, simplePdu } from './pdu.ts'
import { statuses } from './smpp-outcome.ts'
import type { Timings } from './timings.ts'

export type Answer =
  | { readonly kind: 'answered'; readonly pdu: Pdu }
  /** No answer came in time. A later one is ignored. */
  | { readonly kind: 'late' }
  | { readonly kind: 'lost'; readonly reason: string }

export type Link = {
  /** Requests not answered yet, bind and enquire_link among them. */
  readonly unanswered: number
  /** An enquire_link was sent, and nothing was received since. */
  readonly isDoubtful: boolean
  /** Sends a request under the next sequence number; `onAnswer` is called once, whatever happens. */
  request<N extends PduName>(request: Omit<Pdu<N>, 'sequence'>, onAnswer: (answer: Answer) => void): void
  respond(pdu: Pdu): void
  /** Cuts the connection; unanswered requests end as lost. */
  cut(reason: string): void
}

export type LinkHandlers = {
  /** A request other than enquire_link, which the link answers itself. */
  onRequest(pdu: Pdu): void
  /** Called once, after every unanswered request has ended. */
  onCut(reason: string): void
}

/** S-2. */
const maxSequence = 0x7fffffff

/** The most unsent bytes: a peer that sends requests but reads no answers would make us hold them all. */
const maxUnsentBytes = 1_048_576

type Pending = {
  readonly response: PduName | undefined
  readonly sentAt: number
  readonly onAnswer: (answer: Answer) => void
}

/**
 * @param socket  Connected. Its errors are the link's from here on.
 * @param lastSequence  The number before the first one used.
 */
export function openLink(socket: Socket, timings: Timings, handlers: LinkHandlers, lastSequence = 0): Link {
  // In the order in which they were sent, which is also the order in which they time out.
  const pending = new Map<number, Pending>()
  let sequence = lastSequence
  let receivedAt = performance.now()
  let isEnquiring = false
  let isCut = false
  let isCorked = false

  const reader = createReader(onFrame)
  socket.setNoDelay(true)
  socket.on('data', (chunk: Buffer) => {
    receivedAt = performance.now()
    if (!isCut && !reader.push(chunk)) cut('the peer sent a length that no PDU has')
  })
  socket.on('error', (error: Error & { code?: string }) => cut(error.code ?? error.message))
  socket.on('close', () => cut('the peer closed the connection'))
  let isChecking = false
  let timer: NodeJS.Timeout | undefined
  checkLater()

  function write(frame: Buffer): void {
    if (isCut) return
    // All PDUs of one turn leave in one system call.
    if (!isCorked) {
      isCorked = true
      socket.cork()
      queueMicrotask(() => {
        isCorked = false
        socket.uncork()
        if (socket.writableLength > maxUnsentBytes) cut('the peer takes no bytes')
      })
    }
    socket.write(frame)
  }

  function request<N extends PduName>(given: Omit<Pdu<N>, 'sequence'>, onAnswer: (answer: Answer) => void) {
    if (isCut) return onAnswer({ kind: 'lost', reason: 'not connected' })
    do sequence = (sequence % maxSequence) + 1
    while (pending.has(sequence))
    const pdu = { ...given, sequence } as unknown as Pdu
    const frame = encodePdu(pdu)
    pending.set(sequence, { response: responseTo(pdu.name), sentAt: performance.now(), onAnswer })
    if (!isChecking) checkLater()
    write(frame)
  }

  function onFrame(frame: Buffer): void {
    if (isCut) return
    const decoded = decodePdu(frame)
    if (decoded.kind === 'unknown') {
      if (decoded.id < responseBit)
        respond(simplePdu('generic_nack', decoded.sequence, statuses.invalidCommand))
      return
    }
    const { pdu } = decoded
    if (pdu.name === 'enquire_link') respond(simplePdu('enquire_link_resp', pdu.sequence))
    else if (pdu.name === 'generic_nack' || pdu.name.endsWith('_resp')) onResponse(pdu)
    else handlers.onRequest(pdu)
  }

  function onResponse(pdu: Pdu): void {
    const asked = pending.get(pdu.sequence)
    // A late, doubled or unrelated answer: nobody waits for it.
    if (!asked || (pdu.name !== asked.response && pdu.name !== 'generic_nack')) return
    pending.delete(pdu.sequence)
    asked.onAnswer({ kind: 'answered', pdu })
  }

  function respond(pdu: Pdu): void {
    write(encodePdu(pdu))
  }

  /** Often while answers are awaited; otherwise only once the peer has been silent for long. */
  function checkLater(): void {
    isChecking = pending.size > 0
    const silentMs = performance.now() - receivedAt
    const ms = isChecking ? timings.tickMs : Math.max(timings.tickMs, timings.idleMs - silentMs)
    clearTimeout(timer)
    timer = setTimeout(check, ms).unref()
  }

  function check(): void {
    const now = performance.now()
    let oldestAt = Number.POSITIVE_INFINITY
    for (const [number, { sentAt, onAnswer }] of pending) {
      if (now - sentAt < timings.answerMs) {
        oldestAt = sentAt
        break
      }
      pending.delete(number)
      onAnswer({ kind: 'late' })
    }
    const silentMs = now - receivedAt
    const waitedMs = Math.min(silentMs, now - oldestAt)
    if (isCut) return
    if (!isEnquiring && (silentMs >= timings.idleMs || waitedMs >= timings.probeMs)) enquire()
    checkLater()
  }

  function enquire(): void {
    isEnquiring = true
    request<'enquire_link'>(simplePdu('enquire_link', 0) as Pdu<'enquire_link'>, (answer) => {
      isEnquiring = false
      // Any answer proves that the peer is there, even a refusal.
      if (answer.kind === 'late') cut('no answer to enquire_link')
    })
  }

  function cut(reason: string): void {
    if (isCut) return
    isCut = true
    clearTimeout(timer)
    socket.destroy()
    const lost = [...pending.values()]
    pending.clear()
    for (const { onAnswer } of lost) onAnswer({ kind: 'lost', reason })
    handlers.onCut(reason)
  }

  return {
    get unanswered() {
      return pending.size
    },
    get isDoubtful() {
      return isEnquiring
    },
    request,
    respond,
    cut,
  }
}
