/** The shapes of the API, by the names that this client uses for them. */

export type { ProblemType } from './openapi.ts'

/** RFC 9457, with the members of its type. */
export type Problem = {
  type: string
  title: string
  status: number
  detail?: string
  instance?: string
  [member: string]: unknown
}
export type Channel = 'sms' | 'email' | 'voice' | 'whatsapp'
export type State = 'held' | 'live' | 'used' | 'expired' | 'spent' | 'cancelled' | 'undeliverable'

export type StartRequest = {
  to: string | { phone: string } | { email: string }
  channel?: 'auto' | Channel
  plan?: { channel: Channel; after_s?: number; unless?: 'delivered' | 'used' }[]
  purpose?: string
  subject?: string
  locale?: string
  template?: string
  values?: Record<string, string>
  code?: { length?: number; alphabet?: 'digits' | 'crockford'; life_s?: number; value?: string }
  origin?: string
  app_hash?: string
  client?: {
    ip?: string
    asn?: number
    user_agent?: string
    device_id?: string
    platform?: string
    trusted?: boolean
  }
  challenge?: 'none' | { accepts: ('pow' | 'captcha')[] }
  metadata?: Record<string, string>
  dry_run?: boolean
}
export type Verification = {
  id: string
  state: State
  to_masked: string
  channel: Channel
  purpose: string
  subject?: string
  created_at: string
  expires_at: string
  code_length: number
  submissions_left: number
  next?: { send_after_s?: number; channels: Channel[] }
  dispatches: number
  is_test: boolean
  challenge?: { kinds: { kind: string; [member: string]: unknown }[] }
}
export type StartedVerification = Verification & { secret?: string; sent: boolean; retry_after_s?: number }
export type CheckResult =
  | { result: 'verified'; verification: Verification; proof?: string; proof_expires_at?: string }
  | {
      result: 'refused'
      reason: 'wrong' | 'expired' | 'spent' | 'used' | 'cancelled'
      submissions_left: number
      retry_after_s: number
      late?: boolean
    }
export type SendRequest = { channel?: Channel; next?: boolean }
export type ChallengeSolution = Record<string, unknown>
export type Timeline = Record<string, unknown>
export type ListQuery = {
  subject?: string
  state?: State
  since?: string
  cursor?: string
}
export type SearchRequest = { to: string }
export type VerificationPage = { verifications: Verification[]; next?: string }

export type Event = { id: string; type: string; created_at: string; data: Record<string, unknown> }
export type EventPage = { events: Event[]; next?: string }
export type WebhookRequest = Record<string, unknown>
export type CreatedWebhook = Record<string, unknown>
export type WebhookPage = Record<string, unknown>
export type Webhook = Record<string, unknown>
export type WebhookChange = Record<string, unknown>
export type WebhookDelivery = Record<string, unknown>
export type WebhookDeliveryPage = Record<string, unknown>
export type ProofRequest = { proof: string; audience?: string; consume?: boolean }
export type ProofResult = Record<string, unknown>
export type Session = Record<string, unknown>
export type SessionRequest = Record<string, unknown>
export type SessionResult = Record<string, unknown>
export type Limits = Record<string, unknown>
export type LimitsQuery = { subject?: string }
