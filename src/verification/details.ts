/** The wishes of a verification's caller beyond its key: they are written once, with the verification. */

/** A step of a plan: the channel that a further message goes by, and when. */
export type PlanStep = {
  readonly channel: string
  /** From the start of the verification. */
  readonly afterMs: number
  /** The step is left out if the code was used before, or, with `delivered`, if a carrier reported delivery. */
  readonly unless: 'delivered' | 'used'
}

/** What a caller says about its client. The guard and the caller's own people read it; nothing is decided by it here. */
export type ClientFacts = {
  readonly ip?: string
  readonly asn?: number
  readonly userAgent?: string
  readonly deviceId?: string
  readonly platform?: string
  readonly trusted?: boolean
}

/** `null` in a record: the verification was asked for by the wire of members, which has none of these wishes. */
export type VerificationDetails = {
  /** The channel of the first message. */
  readonly channel: string
  /** Further messages, in the order of their times. */
  readonly plan?: readonly PlanStep[]
  /** The language that messages are in. */
  readonly locale: string
  /** The languages that were tried for it, the wanted one first. */
  readonly localesTried?: readonly string[]
  readonly template?: string
  readonly values?: Readonly<Record<string, string>>
  /** Absent: digits. */
  readonly alphabet?: 'crockford'
  /** The host of the page that the code is entered on, for the last line of a message. */
  readonly origin?: string
  /** 11 characters that an Android app is known by, likewise. */
  readonly appHash?: string
  /** The caller's own pairs, echoed in answers and events. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly client?: ClientFacts
  /** The audience and the nonce of its proof. */
  readonly audience?: string
  readonly nonce?: string
  /** `hashed`: a proof names the address by a hash only. */
  readonly proof?: 'plain' | 'hashed'
  /** The caller stated that its subject holds the address already. */
  readonly holder?: true
  /** The guard's decision. */
  readonly risk?: 'allow' | 'challenge' | 'refuse'
  /** Asked for with a test key: messages go to the sandbox only. */
  readonly byTestKey?: true
  /** The code itself. Only a test key may choose one. */
  readonly testCode?: string
  /** The life of the code of a held verification, which begins with the solution of its challenge. */
  readonly lifetimeMs?: number
}
