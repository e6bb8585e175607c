/** Keeps one bind up: connects, binds, pauses when throttled, and binds again after a loss. */

import { setTimeout as wait } from 'node:timers/promises'
import { connectTo, type Peer } from './connect.ts'
import { type Answer, type Link, openLink } from './link.ts'
import { type BodyOf, type Pdu, simplePdu } from './pdu.ts'
import { isPassingBindRefusal, isThrottling, statuses, statusWords } from './smpp-outcome.ts'
import { doubled, fullJitter, type Timings } from './timings.ts'
import { noTlvs, type Tlvs, tlvTags } from './tlv.ts'

export type BindRole = 'transceiver' | 'transmitter' | 'receiver'

export type BindSettings = {
  readonly peer: Peer
  readonly systemId: string
  readonly password: string
  readonly systemType: string
  readonly role: BindRole
  readonly interfaceVersion: keyof typeof interfaceVersions
  readonly optionalParameters: 'auto' | 'always' | 'never'
  /** The most unanswered submits. */
  readonly window: number
  readonly timings: Timings
  /** 0 to 1. */
  readonly random: () => number
}

export type BindHandlers = {
  /** Called when its state or its capacity has changed. */
  onChange(): void
  /** The peer asks for something; `respond` answers on the same connection, if it is still there. */
  onRequest(pdu: Pdu, respond: (pdu: Pdu) => void): void
}

export type Bind = {
  readonly role: BindRole
  /** `down` waits for the next try; the cause is in `reason`. */
  readonly state: 'connecting' | 'bound' | 'down' | 'closed'
  readonly reason: string
  readonly isPaused: boolean
  readonly hasCapacity: boolean
  /** The less, the sooner it answers. */
  readonly load: number
  submit(body: BodyOf<'submit_sm'>, tlvs: Tlvs, onAnswer: (answer: Answer) => void): void
  /**
   * Called when a message waits to be sent: the wait for the next try to connect ends now, or after its shortest length.
   * @returns false if the carrier refused this bind, because asking sooner does not help.
   */
  hurry(): boolean
  /** Waits for unanswered submits, unbinds and disconnects, each for a short time at most. */
  close(): Promise<void>
}

/** SMPP 3.4, 5.2.4. Optional parameters came with 3.4. */
const interfaceVersions = { 3.3: 0x33, 3.4: 0x34, 5: 0x50 } as const

/** More than any window, so that a bind whose peer may be gone is chosen last. */
const doubtfulLoad = 1_000_000

/** Begins to connect at once. */
export function keepBound(settings: BindSettings, handlers: BindHandlers): Bind {
  const { role, window, timings, random } = settings
  const closing = new AbortController()
  let state: Bind['state'] = 'connecting'
  let reason = 'not bound yet'
  let link: Link | undefined
  let takesTlvs = false
  let inFlight = 0
  let isLeaving = false
  let isPaused = false
  /** Throttled submits since the last accepted one. */
  let throttles = 0
  /** Failures of the bind itself since the last success. */
  let failures = 0
  let refusals = 0
  let endRest: (() => void) | undefined
  let endRestSoon: (() => void) | undefined

  async function hold(): Promise<void> {
    while (!closing.signal.aborted) {
      change('connecting')
      const ended = await bindOnce()
      failures = ended.wasGood ? 1 : failures + 1
      refusals = ended.isRefusal ? refusals + 1 : 0
      reason = ended.reason
      if (closing.signal.aborted) break
      const isRefusal = ended.isRefusal ?? false
      await rest(
        isRefusal
          ? doubled(timings.refused, refusals, random)
          : fullJitter(timings.reconnect, failures, random),
        isRefusal,
      )
    }
    change('closed')
  }

  /** Waits for the next try to connect. */
  async function rest(ms: number, isRefusal: boolean): Promise<void> {
    const since = performance.now()
    // The wait of a first failure: a code’s minute allows no longer one, and a peer is tried at most once a second.
    const soonMs = Math.min(ms, fullJitter(timings.reconnect, 1, random))
    const rested = Promise.withResolvers<void>()
    let timer = setTimeout(rested.resolve, ms).unref()
    endRestSoon = isRefusal
      ? undefined
      : () => {
          endRestSoon = undefined
          clearTimeout(timer)
          const leftMs = since + soonMs - performance.now()
          timer = setTimeout(rested.resolve, Math.max(0, leftMs)).unref()
          // The state changes at once, so that the message that asked for it waits for the connection.
          if (leftMs <= 0) change('connecting')
        }
    endRest = rested.resolve
    change('down')
    await rested.promise
    clearTimeout(timer)
    endRest = undefined
    endRestSoon = undefined
  }

  /** Resolves when the connection has ended, or could not be made. */
  async function bindOnce(): Promise<{ reason: string; isRefusal?: boolean; wasGood?: boolean }> {
    let socket: Awaited<ReturnType<typeof connectTo>>
    try {
      socket = await connectTo(settings.peer, timings.connectMs, closing.signal)
    } catch (error) {
      return { reason: (error as Error).message }
    }
    const cut = Promise.withResolvers<string>()
    const opened = openLink(socket, timings, { onRequest, onCut: cut.resolve })
    closing.signal.addEventListener('abort', () => opened.cut('closing'), { once: true })
    if (closing.signal.aborted) opened.cut('closing')
    const answer = await new Promise<Answer>((resolve) => opened.request(bindRequest(settings), resolve))
    const refusal = refusalOf(answer)
    if (refusal) {
      opened.cut(refusal.reason)
      return refusal
    }
    takesTlvs = takesOptionalParameters(settings, answer)
    const boundAt = performance.now()
    link = opened
    isLeaving = false
    refusals = 0
    change('bound')
    const lost = await cut.promise
    link = undefined
    return { reason: lost, wasGood: performance.now() - boundAt >= timings.settledMs }

    function onRequest(pdu: Pdu): void {
      if (pdu.name === 'unbind') {
        opened.respond(simplePdu('unbind_resp', pdu.sequence))
        isLeaving = true
        // The peer may still answer earlier submits.
        setTimeout(() => opened.cut('the peer unbound'), timings.closeMs).unref()
      } else handlers.onRequest(pdu, opened.respond)
    }
  }

  function change(to: Bind['state']): void {
    if (to === state) return
    state = to
    handlers.onChange()
  }

  function submit(body: BodyOf<'submit_sm'>, tlvs: Tlvs, onAnswer: (answer: Answer) => void): void {
    const taken = takesTlvs ? tlvs : noTlvs
    link!.request<'submit_sm'>({ name: 'submit_sm', status: 0, body, tlvs: taken }, (answer) => {
      inFlight--
      if (answer.kind === 'answered') {
        if (isThrottling(answer.pdu.status)) pause()
        else if (!isPaused && answer.pdu.status === statuses.ok) throttles = 0
      }
      onAnswer(answer)
    })
    inFlight++
  }

  /** Pauses once for a whole window of throttled submits, not once for each. */
  function pause(): void {
    if (isPaused) return
    isPaused = true
    throttles++
    setTimeout(
      () => {
        isPaused = false
        handlers.onChange()
      },
      doubled(timings.throttle, throttles, random),
    ).unref()
  }

  async function close(): Promise<void> {
    isLeaving = true
    const until = performance.now() + timings.closeMs
    while (link && inFlight > 0 && performance.now() < until) await wait(timings.tickMs)
    const open = link
    if (open) {
      const goodbye = new Promise<void>((resolve) =>
        open.request<'unbind'>(simplePdu('unbind', 0) as Pdu<'unbind'>, () => resolve()),
      )
      await Promise.race([goodbye, wait(timings.closeMs, undefined, { ref: false })])
    }
    closing.abort()
    endRest?.()
    await held
  }

  const held = hold()
  return {
    role,
    get state() {
      return state
    },
    get reason() {
      return reason
    },
    get isPaused() {
      return isPaused
    },
    get hasCapacity() {
      return state === 'bound' && !isPaused && !isLeaving && inFlight < window
    },
    get load() {
      return inFlight + (link?.isDoubtful ? doubtfulLoad : 0)
    },
    submit,
    hurry() {
      if (refusals > 0) return false
      endRestSoon?.()
      return true
    },
    close,
  }
}

function bindRequest({ role, systemId, password, systemType, ...settings }: BindSettings) {
  const interfaceVersion = interfaceVersions[settings.interfaceVersion]
  return {
    name: `bind_${role}` as const,
    status: 0,
    body: { systemId, password, systemType, interfaceVersion, addrTon: 0, addrNpi: 0, addressRange: '' },
    tlvs: noTlvs,
  }
}

/** A peer that does not announce its version must be treated as one without optional parameters (SMPP 3.4, 5.3.2.25, 3.4). */
function takesOptionalParameters(settings: BindSettings, answer: Answer): boolean {
  if (settings.optionalParameters !== 'auto') return settings.optionalParameters === 'always'
  if (settings.interfaceVersion < 3.4) return false
  const version = answer.kind === 'answered' && answer.pdu.tlvs.get(tlvTags.scInterfaceVersion)?.[0]
  return typeof version === 'number' && version >= interfaceVersions[3.4]
}

function refusalOf(answer: Answer): { reason: string; isRefusal: boolean } | undefined {
  if (answer.kind === 'late') return { reason: 'no answer to the bind', isRefusal: false }
  if (answer.kind === 'lost') return { reason: answer.reason, isRefusal: false }
  const { name, status } = answer.pdu
  if (status === statuses.ok && name !== 'generic_nack') return undefined
  // The answer to a transceiver from a carrier that has only transmitters and receivers.
  const hint = status === statuses.invalidCommand ? '; see the setting bind' : ''
  return { reason: `bind refused: ${statusWords(status)}${hint}`, isRefusal: !isPassingBindRefusal(status) }
}
