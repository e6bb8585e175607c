// Made by "npm run docs" from the server's OpenAPI document; do not edit.

/** The errors of the API, by the last part of their `type`. */
export type ProblemType =
  | 'invalid-request'
  | 'unknown-field'
  | 'address-invalid'
  | 'address-unreachable'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'state-conflict'
  | 'idempotency-in-progress'
  | 'idempotency-mismatch'
  | 'payload-too-large'
  | 'rate-limited'
  | 'refused-by-guard'
  | 'spend-cap'
  | 'carrier-unavailable'
  | 'store-unavailable'
  | 'internal'

/** What must be solved before a code is sent. */
export type Challenge = {
  kinds: PowChallenge[]
}

export type ChallengeSolution = {
  /** As ALTCHA’s widget gives it: base64 of JSON with `algorithm`, `challenge`, `salt`, `signature` and `number`. */
  solution: string
}

export type ChangedWebhook = {
  id: string
  /** https://HOST/PATH. Private networks are refused. */
  url: string
  /** For people. */
  description: string
  types: string[] | null
  enabled: boolean
  /** `gone`: it answered 410. */
  disabled_by: 'gone' | 'caller' | null
  /** The secrets that sign, the newest first; two while they change. */
  secrets: ({
    created_at: string
  })[]
  /** For signatures `v1a`; null: there are none. */
  public_key: string | null
  /** When it was made. */
  created_at: string
  /** `whsec_…`, answered this once. */
  secret?: string | undefined
}

export type CheckOnPage = {
  /** As the person typed it. */
  code: string
}

export type CheckRefused = {
  result: 'refused'
  reason: 'wrong' | 'expired' | 'spent' | 'used' | 'cancelled'
  submissions_left: number
  /** After which a code may be entered again. 0: at once. */
  retry_after_s: number
  /** The code was right, but came after its end. */
  late?: true | undefined
  verification: Verification
}

export type CheckResult = CheckVerified | CheckRefused

export type CheckVerification = {
  /** As the person typed it. Spaces, hyphens and full-width digits do not matter. */
  code: string
}

export type CheckVerified = {
  result: 'verified'
  verification: Verification
  /** A signed statement (JWT) that the address was verified; see `/.well-known/jwks.json`. */
  proof?: string | undefined
  /** The end of the proof. */
  proof_expires_at?: string | undefined
}

export type CreatedWebhook = {
  id: string
  /** https://HOST/PATH. Private networks are refused. */
  url: string
  /** For people. */
  description: string
  types: string[] | null
  enabled: boolean
  /** `gone`: it answered 410. */
  disabled_by: 'gone' | 'caller' | null
  /** The secrets that sign, the newest first; two while they change. */
  secrets: ({
    created_at: string
  })[]
  /** For signatures `v1a`; null: there are none. */
  public_key: string | null
  /** When it was made. */
  created_at: string
  /** `whsec_…`, answered this once. */
  secret: string
}

export type Dispatch = {
  /** The id of the message. A resend is a message of its own. */
  message: string
  /** The try, from 1. */
  nth: number
  channel: string
  /** null: it reached none. */
  carrier: string | null
  /** What the carrier answered, or why none was asked. */
  outcome: 'accepted' | 'refused' | 'throttled' | 'unavailable' | 'unknown' | 'expired' | 'exhausted'
  carrier_code: string | null
  /** When it was committed. */
  queued_at: string
  handed_over_at: string | null
  /** When the carrier answered. */
  answered_at: string
  segments: number | null
  price: Price | null
  receipt: Receipt | null
}

/** What a start would do. */
export type DryRun = {
  dry_run: true
  channel: 'sms' | 'email' | 'voice' | 'whatsapp'
  locale: string
  locales_tried: string[]
  route: DryRunRoute
  /** The message, with a code that is none. */
  text: string
  mail_subject: string | null
  risk: {
    action: 'allow' | 'challenge' | 'refuse'
  }
  /** The limit that would refuse it now. */
  refused_by: RefusingLimit | null
  is_test: boolean
}

/** The carriers in the order in which they are tried. */
export type DryRunRoute = {
  name: string
  carriers: ({
    name: string
    /** Of one message, in the unit of the settings. */
    cost: number
  })[]
}

export type Event = {
  id: string
  /** See the table of events; new types may come. */
  type: string
  /** When it happened. */
  timestamp: string
  /** Facts, by type. Addresses are masked. */
  data: {
    app: string
    /** Absent if it is about none. */
    verification?: string | undefined
    [name: string]: unknown
  }
}

export type EventPage = {
  events: Event[]
  /** The `after` of the next call; null: the app has no events yet. */
  next: string | null
  /** Whether the next call has more to look through at once. */
  has_more: boolean
}

export type EventType = 'verification.created' | 'verification.held' | 'verification.sent' | 'verification.delivered' | 'verification.undeliverable' | 'verification.used' | 'verification.refused' | 'verification.expired' | 'verification.spent' | 'verification.cancelled' | 'contact.changed' | 'carrier.opened' | 'carrier.closed'

export type Limit = {
  /** `app`: codes of the app, in bursts · `app-day` · `subject`: codes of the person · `subject-tos`: different addresses of the person · `subject-wrong`: wrong codes of the person. */
  limit: 'app' | 'app-day' | 'subject' | 'subject-tos' | 'subject-wrong'
  /** How many at most in `window_s`. */
  quota: number
  window_s: number
  /** How many are still allowed now. */
  left: number
  /** After which one more is allowed. 0: now. */
  retry_after_s: number
}

export type Limits = {
  limits: Limit[]
}

export type MakeSession = {
  /** A phone number in E.164 form with its plus, or an e-mail address. Without it the person enters one. */
  to?: string | undefined
  /** The kind of address that the person may enter, if you give none. */
  asks?: 'phone' | 'email' | 'either' | undefined
  /** Where the person comes back to, listed in `policy.pages.returnUrls`. `result` is added to its query, or `cancelled=true`. */
  return_url: string
  /** The language of the message, BCP 47. Where there is none such: that of the app, or by the region of the number. The answer has the one that was found. */
  locale?: string | undefined
  /** `auto`: as the person’s device has it. */
  theme?: 'auto' | 'light' | 'dark' | undefined
  /** What the code is for. A code made for one purpose serves no other. */
  purpose?: string | undefined
  /** Your own word for the person, such as an id of your users; kept as given. It binds the code, and finds the verifications of a person again. */
  subject?: string | undefined
  /** You know that your `subject` holds `to` already, for example by an earlier verification. Then its codes come out of an allowance of their own, which nobody else who asks for codes to this address can use up. Needs a `subject`. */
  holder?: boolean | undefined
  /** `auto`: the plan of the app, or SMS for a number, mail for a mailbox. */
  channel?: 'auto' | 'sms' | 'email' | 'voice' | 'whatsapp' | undefined
  /** Channels in the order in which the code is sent until it is used. Default: the plan of the app, if no `channel` is named. */
  plan?: PlanStep[] | undefined
  /** The form of the code. Default: the policy of the app. */
  code?: {
    length?: number | undefined
    life_s?: number | undefined
    alphabet?: 'digits' | 'crockford' | undefined
  } | undefined
  /** The text of the message: one of the operator’s templates. Default: the one that is named as the purpose, if there is one, or else `code`. */
  template?: string | undefined
  /** The values that the template uses: all of them, and no others. They hold no link. */
  values?: Record<string, string> | undefined
  /** Your own pairs, echoed in answers and events. Not for personal data. */
  metadata?: Record<string, string> | undefined
  /** The audience of the proof. Default: the id of the app. */
  audience?: string | undefined
  /** Comes back in the proof. */
  nonce?: string | undefined
  /** `hashed`: the proof names the address by a hash alone. Default: the policy of the app. */
  proof?: 'plain' | 'hashed' | undefined
  /** What the guard decides. Only for a test key. */
  test?: {
    risk: 'allow' | 'challenge' | 'refuse'
  } | undefined
}

export type NextSend = {
  /** Seconds until a message may be sent again. 0: now. */
  send_after_s: number
  /** By which it may be sent. */
  channels: ('sms' | 'email' | 'voice' | 'whatsapp')[]
}

export type NoFields = Record<string, never>

export type PageCheckResult = PageVerified | PageRefused

export type PageRefused = {
  result: 'refused'
}

export type PageSession = {
  /** The name of the app that sends the person here. */
  app: string
  asks: 'phone' | 'email' | 'either' | 'none'
  to_masked: string | null
  /** The way back without a result. */
  cancel_url: string
  /** Regions that codes may be sent to by SMS, each with its calling code. */
  regions: string[][]
  expires_in_s: number
  verification: PageVerification | null
}

export type PageVerification = {
  /** `ended`: it can be used no more, for whatever reason. */
  state: 'held' | 'live' | 'used' | 'expired' | 'ended'
  to_masked: string
  /** The channel of the last message. */
  channel: string
  code_length: number
  alphabet: 'digits' | 'crockford'
  /** What is left of its life. Clocks of browsers may be wrong. */
  expires_in_s: number
  /** null: no message may be sent again. */
  next: {
    /** When a message may be sent again. 0: now. */
    send_after_s: number
    /** By which it may be sent. */
    channels: string[]
  } | null
  /** While it is held: what the browser solves. */
  challenge?: {
    kinds: Record<string, unknown>[]
  } | undefined
}

export type PageVerified = {
  result: 'verified'
  /** The way back, with the result. */
  return_url: string
}

export type PlanStep = {
  channel: 'sms' | 'email' | 'voice' | 'whatsapp'
  /** From the start. The first step is at 0; none comes in the last 20 s of the code. */
  after_s: number
  /** Left out if the code was used, or, with `delivered`, if delivery was reported. */
  unless?: 'delivered' | 'used' | undefined
}

/** A proof of work, in the form of ALTCHA. */
export type PowChallenge = {
  kind: 'pow'
  algorithm: 'SHA-256'
  salt: string
  /** SHA-256 of salt and number, in hex. */
  challenge: string
  signature: string
  /** The number is between 0 and this. */
  max: number
  /** By when it must be solved. */
  expires_at: string
}

export type Price = {
  amount: string
  currency: string
}

export type ProblemDescription = {
  type: string
  title: string
  status: number
  meaning: string
  remedy: string
  retry: 'no' | 'after-reading' | 'after-retry-after' | 'same-key'
  /** Names of the members that this type adds. */
  members: string[]
}

/** What a proof states: the payload of the JWT. */
export type ProofClaims = {
  /** The URL of this server. */
  iss: string
  /** The id of the app, or the audience that the start asked for; `test:` stands before it for a test key. */
  aud: string
  /** Your own word for the person, if there was one. */
  sub?: string | undefined
  /** When the code was entered, in seconds since 1970. */
  iat: number
  /** The end of the proof, likewise. */
  exp: number
  /** The id of the verification. */
  jti: string
  /** The id of the app that asked for the verification. */
  azp: string
  purpose: string
  /** `otp`, and the channel: `sms`, `email`, `tel` (a call)… */
  amr: string[]
  /** In E.164 form. */
  phone_number?: string | undefined
  phone_number_verified?: true | undefined
  email?: string | undefined
  email_verified?: true | undefined
  /** In place of the address: a hash that is the same for each proof to this audience. */
  address_hash?: string | undefined
  /** As the start had it. */
  nonce?: string | undefined
  is_test?: true | undefined
}

export type ProofRefused = {
  result: 'refused'
  /** `invalid`: not signed by this server, or by a key that is not published any more · `expired` · `audience`: for others, of another app, or of a test key where a live one asks, and the other way round · `address`: about another address · `consumed`: by an earlier call. */
  reason: 'invalid' | 'expired' | 'audience' | 'address' | 'consumed'
}

export type ProofValid = {
  result: 'valid'
  claims: ProofClaims
}

export type PublicCheck = {
  /** The `secret` that came with the verification. */
  secret: string
  /** As the person typed it. */
  code: string
}

export type PublicCheckRefused = {
  result: 'refused'
}

export type PublicCheckResult = PublicCheckVerified | PublicCheckRefused

export type PublicCheckVerified = {
  result: 'verified'
  /** A signed statement (JWT) that the address was verified; see `/.well-known/jwks.json`. */
  proof?: string | undefined
  /** The end of the proof. */
  proof_expires_at?: string | undefined
}

export type Receipt = {
  state: 'enroute' | 'delivered' | 'undeliverable' | 'unknown'
  /** When it was reported. */
  at: string
  carrier_code: string
}

export type RedeemResult = {
  /** As it came with the person. */
  result: string
}

export type RedeemedResult = {
  /** The id of the session. Compare it with the one that you keep for this person. */
  session: string
  verification: Verification
  /** A signed statement (JWT) that the address was verified; see `/.well-known/jwks.json`. */
  proof?: string | undefined
  /** The end of the proof. */
  proof_expires_at?: string | undefined
}

export type RefusingLimit = {
  limit: string
  retry_after_s: number
}

export type SearchVerifications = {
  /** A phone number in E.164 form with its plus, or an e-mail address. */
  to: string | {
    phone: string
  } | {
    email: string
  }
  /** `held` waits for the solution of a challenge · `live` · `used` · `expired` · `spent`: too many submissions · `cancelled` · `undeliverable`: no carrier took its messages. */
  state?: 'held' | 'live' | 'used' | 'expired' | 'spent' | 'cancelled' | 'undeliverable' | undefined
  /** Made then or later, RFC 3339. Default: 24 hours ago. */
  since?: string | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
  /** The most of a page. Default: 20. */
  limit?: number | undefined
}

export type SendAgain = {
  /** Another channel than that of the first message. */
  channel?: 'sms' | 'email' | 'voice' | 'whatsapp' | undefined
  /** The next step of the plan, now instead of at its time. */
  next?: true | undefined
}

export type SendOnPage = {
  /** Default: that of the first message. */
  channel?: 'sms' | 'email' | 'voice' | 'whatsapp' | undefined
  /** Another channel than that of the first message. */
  next?: true | undefined
}

export type SentVerification = {
  id: string
  /** `held` waits for the solution of a challenge · `live` · `used` · `expired` · `spent`: too many submissions · `cancelled` · `undeliverable`: no carrier took its messages. */
  state: 'held' | 'live' | 'used' | 'expired' | 'spent' | 'cancelled' | 'undeliverable'
  to_masked: string
  channel: 'sms' | 'email' | 'voice' | 'whatsapp'
  purpose: string
  subject: string | null
  /** The language that the message is in. */
  locale: string
  /** The languages that were looked for, the wanted one first. */
  locales_tried: string[]
  /** When it began. */
  created_at: string
  /** The end of its code’s life. */
  expires_at: string
  used_at: string | null
  code_length: number
  /** How often a code may still be entered. */
  submissions_left: number
  /** How the code may be sent again; null, if it has ended, is held, or this call does not know. */
  next: NextSend | null
  /** Messages that were handed over so far; only where it is read. */
  dispatches?: number | undefined
  challenge?: Challenge | undefined
  is_test: boolean
  risk: {
    action: 'allow' | 'challenge' | 'refuse'
  }
  /** Your own pairs, echoed in answers and events. Not for personal data. */
  metadata: Record<string, string>
  /** The channel of this message. */
  sent_by: 'sms' | 'email' | 'voice' | 'whatsapp'
}

export type Session = {
  id: string
  /** The page, for the person’s browser alone. */
  url: string
  /** The end of the page. */
  expires_at: string
}

export type SolveOnPage = {
  /** As ALTCHA has it: base64 of JSON with the members of the challenge and the `number` that was found. */
  solution: string
}

export type StartOnPage = {
  /** As the person entered it. Without it, the address of the session. */
  to?: string | undefined
  /** The language of the message, BCP 47. Where there is none such: that of the app, or by the region of the number. The answer has the one that was found. */
  locale?: string | undefined
}

export type StartVerification = {
  /** A phone number in E.164 form with its plus, or an e-mail address. */
  to: string | {
    phone: string
  } | {
    email: string
  }
  /** What the code is for. A code made for one purpose serves no other. */
  purpose?: string | undefined
  /** Your own word for the person, such as an id of your users; kept as given. It binds the code, and finds the verifications of a person again. */
  subject?: string | undefined
  /** You know that your `subject` holds `to` already, for example by an earlier verification. Then its codes come out of an allowance of their own, which nobody else who asks for codes to this address can use up. Needs a `subject`. */
  holder?: boolean | undefined
  /** The language of the message, BCP 47. Where there is none such: that of the app, or by the region of the number. The answer has the one that was found. */
  locale?: string | undefined
  /** The form of the code. Default: the policy of the app. */
  code?: {
    length?: number | undefined
    life_s?: number | undefined
    /** `crockford`: digits and letters without those that look alike. */
    alphabet?: 'digits' | 'crockford' | undefined
    /** The code itself. Only a test key may choose one. */
    value?: string | undefined
  } | undefined
  /** `auto`: the plan of the app, or SMS for a number, mail for a mailbox. */
  channel?: 'auto' | 'sms' | 'email' | 'voice' | 'whatsapp' | undefined
  /** Channels in the order in which the code is sent until it is used. Default: the plan of the app, if no `channel` is named. */
  plan?: PlanStep[] | undefined
  /** The text of the message: one of the operator’s templates. Default: the one that is named as the purpose, if there is one, or else `code`. */
  template?: string | undefined
  /** The values that the template uses: all of them, and no others. They hold no link. */
  values?: Record<string, string> | undefined
  /** The host of the page that the code is entered on, for the last line of an SMS; listed by the app. */
  origin?: string | undefined
  /** 11 characters that your Android app is known by, likewise. */
  app_hash?: string | undefined
  /** The challenges that your page can show. `none`: where the guard wants one, the start is refused instead. */
  challenge?: 'none' | {
    accepts: ('pow' | 'captcha')[]
  } | undefined
  /** What the guard is to decide. Only a test key may choose it. */
  test?: {
    risk: 'allow' | 'challenge' | 'refuse'
  } | undefined
  /** What you know about the person’s device. */
  client?: {
    /** The address of the person’s device, as your server sees it. */
    ip?: string | undefined
    asn?: number | undefined
    /** Its `User-Agent`. */
    user_agent?: string | undefined
    /** Your own id of the device. */
    device_id?: string | undefined
    /** Such as `ios`, `android` or `web`. */
    platform?: string | undefined
    /** You know this person: passes the guard’s wide keys, but no cap. */
    trusted?: boolean | undefined
  } | undefined
  /** Answer what this start would do, and do nothing: nothing is sent, stored or counted. */
  dry_run?: boolean | undefined
  /** Your own pairs, echoed in answers and events. Not for personal data. */
  metadata?: Record<string, string> | undefined
  /** The audience of the proof. Default: the id of the app. */
  audience?: string | undefined
  /** Comes back in the proof. */
  nonce?: string | undefined
  /** `hashed`: the proof names the address by a hash alone. Default: the policy of the app. */
  proof?: 'plain' | 'hashed' | undefined
}

export type StartedOnPage = {
  /** Of the same session, for the calls from now on. */
  token: string
  verification: PageVerification
}

export type StartedVerification = {
  id: string
  /** `held` waits for the solution of a challenge · `live` · `used` · `expired` · `spent`: too many submissions · `cancelled` · `undeliverable`: no carrier took its messages. */
  state: 'held' | 'live' | 'used' | 'expired' | 'spent' | 'cancelled' | 'undeliverable'
  to_masked: string
  channel: 'sms' | 'email' | 'voice' | 'whatsapp'
  purpose: string
  subject: string | null
  /** The language that the message is in. */
  locale: string
  /** The languages that were looked for, the wanted one first. */
  locales_tried: string[]
  /** When it began. */
  created_at: string
  /** The end of its code’s life. */
  expires_at: string
  used_at: string | null
  code_length: number
  /** How often a code may still be entered. */
  submissions_left: number
  /** How the code may be sent again; null, if it has ended, is held, or this call does not know. */
  next: NextSend | null
  /** Messages that were handed over so far; only where it is read. */
  dispatches?: number | undefined
  challenge?: Challenge | undefined
  is_test: boolean
  risk: {
    action: 'allow' | 'challenge' | 'refuse'
  }
  /** Your own pairs, echoed in answers and events. Not for personal data. */
  metadata: Record<string, string>
  /** For the browser: who has it beside the id may check a code without a key. Only the call that made the verification returns it. */
  secret?: string | undefined
  /** Whether this call sent a message. If not, one was sent too short a time ago. */
  sent: boolean
  /** After which a message may be sent again. */
  retry_after_s?: number | undefined
}

export type Step = {
  /** When. */
  at: string
  event: 'issued' | 'queued' | 'handed-over' | 'answered' | 'receipt' | 'given-up' | 'used' | 'expired'
  message?: string | undefined
  carrier?: string | undefined
  channel?: string | undefined
  outcome?: string | undefined
  carrier_code?: string | undefined
  /** The try before may have been taken, so the person may get it twice. */
  may_be_copy?: true | undefined
}

/** What became of a verification and its messages, in order. */
export type Timeline = {
  id: string
  steps: Step[]
  dispatches: Dispatch[]
}

/** One code’s life. */
export type Verification = {
  id: string
  /** `held` waits for the solution of a challenge · `live` · `used` · `expired` · `spent`: too many submissions · `cancelled` · `undeliverable`: no carrier took its messages. */
  state: 'held' | 'live' | 'used' | 'expired' | 'spent' | 'cancelled' | 'undeliverable'
  to_masked: string
  channel: 'sms' | 'email' | 'voice' | 'whatsapp'
  purpose: string
  subject: string | null
  /** The language that the message is in. */
  locale: string
  /** The languages that were looked for, the wanted one first. */
  locales_tried: string[]
  /** When it began. */
  created_at: string
  /** The end of its code’s life. */
  expires_at: string
  used_at: string | null
  code_length: number
  /** How often a code may still be entered. */
  submissions_left: number
  /** How the code may be sent again; null, if it has ended, is held, or this call does not know. */
  next: NextSend | null
  /** Messages that were handed over so far; only where it is read. */
  dispatches?: number | undefined
  challenge?: Challenge | undefined
  is_test: boolean
  risk: {
    action: 'allow' | 'challenge' | 'refuse'
  }
  /** Your own pairs, echoed in answers and events. Not for personal data. */
  metadata: Record<string, string>
}

export type VerificationPage = {
  verifications: Verification[]
  /** The `cursor` of the next page; null: it is the last. A page may be empty and have a next one. */
  next: string | null
}

export type VerifyProof = {
  /** The JWT. */
  proof: string
  /** Use it up: every later call is refused. The key needs the scope `verifications:write` for it. */
  consume?: boolean | undefined
  /** The audience that it must be for. */
  audience?: string | undefined
  /** The address that it must be about, also where it has a hash alone. */
  to?: string | undefined
}

export type Webhook = {
  id: string
  /** https://HOST/PATH. Private networks are refused. */
  url: string
  /** For people. */
  description: string
  types: string[] | null
  enabled: boolean
  /** `gone`: it answered 410. */
  disabled_by: 'gone' | 'caller' | null
  /** The secrets that sign, the newest first; two while they change. */
  secrets: ({
    created_at: string
  })[]
  /** For signatures `v1a`; null: there are none. */
  public_key: string | null
  /** When it was made. */
  created_at: string
}

export type WebhookDelivery = {
  event: string
  type: string
  /** `failed`: it is not posted any more. */
  state: 'delivered' | 'waiting' | 'failed'
  tries: number
  first_at: string | null
  last_at: string | null
  next_at: string | null
  /** Of the last answer. */
  status: number | null
  /** Why there was no answer. */
  reason: string
  took_ms: number | null
}

export type WebhookDeliveryPage = {
  /** The newest first. */
  deliveries: WebhookDelivery[]
  /** The `before` of the next page; null: it is the last. */
  next: string | null
}

export type WebhookList = {
  webhooks: Webhook[]
}

export type WebhookTrial = {
  event: string
  delivered: boolean
  /** Of the answer; null: there was none. */
  status: number | null
  /** Why there was none. */
  reason: string
  took_ms: number
}

export type Operations = {
  /** Start a verification: send a code to an address. */
  startVerification: {
    body: StartVerification
    answer: StartedVerification | DryRun | StartedVerification
  }
  /** List verifications by subject, state and time, newest first. */
  listVerifications: {
    query: {
      /** Your own word for the person, such as an id of your users; kept as given. It binds the code, and finds the verifications of a person again. */
      subject?: string | undefined
      /** `held` waits for the solution of a challenge · `live` · `used` · `expired` · `spent`: too many submissions · `cancelled` · `undeliverable`: no carrier took its messages. */
      state?: 'held' | 'live' | 'used' | 'expired' | 'spent' | 'cancelled' | 'undeliverable' | undefined
      /** Made then or later, RFC 3339. Default: 24 hours ago. */
      since?: string | undefined
      /** The `next` of the page before. */
      cursor?: string | undefined
      /** The most of a page. Default: 20. */
      limit?: number | undefined
    }
    answer: VerificationPage
  }
  /** Check a code that a person entered. */
  checkVerification: {
    body: CheckVerification
    answer: CheckResult
  }
  /** Check a code from a browser, without a key. */
  checkPublicly: {
    body: PublicCheck
    answer: PublicCheckResult
  }
  /** Send the code of a live verification again, by the same channel or another one. */
  sendAgain: {
    body: SendAgain
    answer: SentVerification
  }
  /** Hand in the solution of a held verification’s challenge; then its code is sent. */
  solveChallenge: {
    body: ChallengeSolution
    answer: SentVerification
  }
  /** End a verification unused. */
  cancelVerification: {
    body: NoFields
    answer: Verification
  }
  /** Read a verification. */
  readVerification: {
    answer: Verification
  }
  /** Read what became of a verification and its messages, step by step. */
  readTimeline: {
    answer: Timeline
  }
  /** Find the verifications of an address, newest first. */
  searchVerifications: {
    body: SearchVerifications
    answer: VerificationPage
  }
  /** What the limits still allow the app, and a person of yours. */
  readLimits: {
    query: {
      /** Your own word for the person, such as an id of your users; kept as given. It binds the code, and finds the verifications of a person again. */
      subject?: string | undefined
    }
    answer: Limits
  }
  /** Verify a proof, and consume it if asked: of any number of calls one does. */
  verifyProof: {
    body: VerifyProof
    answer: ProofValid | ProofRefused
  }
  /** What happened, in order, and what is happening now. */
  readEvents: {
    query: {
      /** The `next` of the call before. Without it the feed begins with the oldest event kept. */
      after?: string | undefined
      /** Types of events, with commas between them. Default: all. */
      types?: string | undefined
      /** The most events of a page. Default: 100. */
      limit?: number | undefined
      /** How long to wait for an event if there is none yet. Default: 0. */
      wait_s?: number | undefined
    }
    answer: EventPage
  }
  /** Register an endpoint, which gets the events of the app from now on. */
  createWebhook: {
    body: {
      /** https://HOST/PATH. Private networks are refused. */
      url: string
      /** For people. */
      description?: string | undefined
      /** The types that it gets; null: all. */
      types?: EventType[] | null | undefined
      /** Sign by Ed25519 (`v1a`) too. Default: false. */
      asymmetric?: boolean | undefined
    }
    answer: CreatedWebhook
  }
  /** The endpoints of the app. */
  listWebhooks: {
    answer: WebhookList
  }
  /** One endpoint. */
  readWebhook: {
    answer: Webhook
  }
  /** Change an endpoint, or its secret. */
  changeWebhook: {
    body: {
      /** https://HOST/PATH. Private networks are refused. */
      url?: string | undefined
      /** For people. */
      description?: string | undefined
      /** The types that it gets; null: all. */
      types?: EventType[] | null | undefined
      enabled?: boolean | undefined
      /** `rotate`: a new one signs beside the present one · `retire`: the older of two signs no more. */
      secret?: 'rotate' | 'retire' | undefined
    }
    answer: ChangedWebhook
  }
  /** Remove an endpoint, with its record. */
  deleteWebhook: {
    answer: undefined
  }
  /** Post an event of type `webhook.test` at once. */
  testWebhook: {
    answer: WebhookTrial
  }
  /** What became of each event at an endpoint. */
  listWebhookDeliveries: {
    query: {
      /** The `next` of the page before. */
      before?: string | undefined
      /** Default: 50. */
      limit?: number | undefined
    }
    answer: WebhookDeliveryPage
  }
  /** Post an event to an endpoint again, with all its tries. */
  replayWebhookDelivery: {
    answer: undefined
  }
  /** Make a page on which a person verifies an address. */
  makeSession: {
    body: MakeSession
    answer: Session
  }
  /** Redeem the result with which a person came back. */
  redeemResult: {
    body: RedeemResult
    answer: RedeemedResult
  }
  /** Read what the page of a session shows. */
  readSession: {
    answer: PageSession
  }
  /** Send a code to the address that the person entered. */
  startOnPage: {
    body: StartOnPage
    answer: StartedOnPage
  }
  /** Send the code again, by the same channel or another. */
  sendOnPage: {
    body: SendOnPage
    answer: PageVerification
  }
  /** Hand in the solution of a challenge; then the code is sent. */
  solveOnPage: {
    body: SolveOnPage
    answer: PageVerification
  }
  /** Check the code that the person entered. */
  checkOnPage: {
    body: CheckOnPage
    answer: PageCheckResult
  }
  /** What a problem means, and what to do about it. */
  describeProblem: {
    answer: ProblemDescription
  }
  /** This document. */
  readDocument: {
    answer: Record<string, unknown>
  }
}
