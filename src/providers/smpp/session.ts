/** Several binds to one SMSC behind one queue: each submit goes to the bind with the least load. */

import { maxWords } from '../../carrier-words.ts'
import { DeliveryError } from '../../delivery/provider.ts'
import { type Bind, type BindHandlers, type BindRole, type BindSettings, keepBound } from './bind.ts'
import type { Answer } from './link.ts'
import type { BodyOf } from './pdu.ts'
import { deliveryErrorOf, isThrottling, statuses, statusWords } from './smpp-outcome.ts'
import type { Tlvs } from './tlv.ts'

export type SessionSettings = Omit<BindSettings, 'role'> & {
  /** `pair`: a transmitter and a receiver each, for carriers without transceivers. */
  readonly bind: 'transceiver' | 'pair'
  readonly binds: number
}

export type Submit = {
  readonly body: BodyOf<'submit_sm'>
  readonly tlvs: Tlvs
  /** How long it is worth sending. */
  readonly remainingMs: number
  /** Read now and then, so that a signal that is made at first use is not made for a quick answer. */
  readonly options?: { readonly signal: AbortSignal }
}

export type Session = {
  /**
   * Waits until a window has capacity and throttled binds have ended their pauses.
   * @returns The SMSC's message_id; may be empty.
   * @throws DeliveryError: `unavailable` at once if no bind is up or coming up; `throttled` if the time ran out
   * before a throttled bind took it; `unknown` if it was sent and not answered.
   */
  submit(submit: Submit): Promise<string>
  /** Waits until each bind is up or has failed. @throws DeliveryError with the reasons of those that are not up. */
  check(): Promise<void>
  close(): Promise<void>
}

type Job = Submit & {
  readonly until: number
  readonly resolve: (messageId: string) => void
  readonly reject: (error: DeliveryError) => void
  isSent: boolean
  throttledBy: number | undefined
}

/** Begins to connect all binds at once, so that the first code need not wait for them. */
export function openSession(settings: SessionSettings, onRequest: BindHandlers['onRequest']): Session {
  const { timings } = settings
  const roles: readonly BindRole[] = settings.bind === 'pair' ? ['transmitter', 'receiver'] : ['transceiver']
  let queue: Job[] = []
  const live = new Set<Job>()
  let ticking: NodeJS.Timeout | undefined
  let isClosing = false
  let onSettled: (() => void)[] = []

  const binds: Bind[] = []
  for (let i = 0; i < settings.binds; i++)
    for (const role of roles) binds.push(keepBound({ ...settings, role }, { onChange, onRequest }))
  const senders = binds.filter(({ role }) => role !== 'receiver')
  const isUp = ({ state }: Bind) => state === 'bound' || state === 'connecting'

  function submit(given: Submit): Promise<string> {
    return new Promise((resolve, reject) => {
      if (isClosing) return reject(new DeliveryError('unavailable', 'closing'))
      // One is enough to send by; the others come in their own time.
      if (!senders.some(isUp)) senders.some((bind) => bind.hurry())
      if (!senders.some(isUp)) return reject(noBind())
      const until = performance.now() + given.remainingMs
      const job: Job = { ...given, until, resolve, reject, isSent: false, throttledBy: undefined }
      live.add(job)
      ticking ??= setInterval(tick, timings.tickMs).unref()
      queue.push(job)
      pump()
    })
  }

  function pump(): void {
    while (queue.length > 0) {
      const bind = withLeastLoad()
      if (!bind) return
      const job = queue.shift()!
      if (!live.has(job)) continue // given up while it waited
      job.isSent = true
      try {
        bind.submit(job.body, job.tlvs, (answer) => onAnswer(job, answer))
      } catch (error) {
        // A text that does not fit a field of the PDU; another carrier may take the message.
        settle(job, new DeliveryError('unavailable', (error as Error).message))
      }
    }
  }

  function withLeastLoad(): Bind | undefined {
    let best: Bind | undefined
    for (const bind of senders) if (bind.hasCapacity && !(best && best.load <= bind.load)) best = bind
    return best
  }

  function onAnswer(job: Job, answer: Answer): void {
    if (live.has(job)) decide(job, answer)
    pump()
  }

  function decide(job: Job, answer: Answer): void {
    if (answer.kind === 'late') settle(job, new DeliveryError('unknown', lateWords))
    else if (answer.kind === 'lost')
      settle(job, new DeliveryError('unknown', told(`connection lost: ${answer.reason}`)))
    else if (isThrottling(answer.pdu.status)) {
      // It was not accepted, so it is sent again (S-3), before later ones, by another bind if one has capacity.
      job.throttledBy = answer.pdu.status
      job.isSent = false
      queue.unshift(job)
    } else if (answer.pdu.status !== statuses.ok) settle(job, deliveryErrorOf(answer.pdu.status))
    else if (answer.pdu.name === 'submit_sm_resp') settle(job, answer.pdu.body.messageId)
    else settle(job, new DeliveryError('unknown', `answered by ${answer.pdu.name}`))
  }

  function settle(job: Job, outcome: string | DeliveryError): void {
    if (!live.delete(job)) return
    if (outcome instanceof DeliveryError) job.reject(outcome)
    else job.resolve(outcome)
  }

  function tick(): void {
    const now = performance.now()
    for (const job of live) if (job.until <= now || job.options?.signal.aborted) settle(job, givenUp(job))
    if (queue.some((job) => !live.has(job))) queue = queue.filter((job) => live.has(job))
    if (live.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }

  function givenUp({ isSent, throttledBy }: Job): DeliveryError {
    if (isSent) return new DeliveryError('unknown', lateWords)
    if (throttledBy !== undefined) return new DeliveryError('throttled', statusWords(throttledBy))
    if (senders.some(({ isPaused }) => isPaused)) return new DeliveryError('throttled', 'binds are paused')
    if (senders.some(({ state }) => state === 'bound'))
      return new DeliveryError('unavailable', 'no room in the windows')
    return new DeliveryError('unavailable', 'not bound in time')
  }

  function noBind(): DeliveryError {
    return new DeliveryError(
      'unavailable',
      told([...new Set(senders.map(({ reason }) => reason))].join('; ')),
    )
  }

  function onChange(): void {
    if (!senders.some(isUp)) for (const job of queue.splice(0)) settle(job, isClosing ? closed() : noBind())
    else pump()
    if (binds.every(({ state }) => state !== 'connecting')) {
      for (const resolve of onSettled) resolve()
      onSettled = []
    }
  }

  const closed = () => new DeliveryError('unavailable', 'closing')

  return {
    submit,
    async check() {
      if (binds.some(({ state }) => state === 'connecting'))
        await new Promise<void>((resolve) => onSettled.push(resolve))
      const down = binds.filter(({ state }) => state !== 'bound')
      if (down.length === 0) return
      const reasons = [...new Set(down.map(({ role, reason }) => `${role}: ${reason}`))].join('; ')
      throw new DeliveryError('unavailable', told(`${down.length} of ${binds.length} binds down; ${reasons}`))
    },
    async close() {
      isClosing = true
      for (const job of queue.splice(0)) settle(job, closed())
      await Promise.all(binds.map((bind) => bind.close()))
      clearInterval(ticking)
    },
  }
}

const lateWords = 'no answer to submit_sm in time'

const maxSearched = 2_000

/** As the contract of providerCode demands: without digits that could be a code, other than those of a status. */
function told(words: string): string {
  return words
    .slice(0, maxSearched)
    .replace(/0x[0-9A-F]+|\d{6,}/g, (found) => (found.startsWith('0x') ? found : '…'))
    .slice(0, maxWords)
}
