/**
 * Amazon SNS's rule: a signature over named fields, by a certificate that Amazon publishes. Requests to confirm a
 * subscription are answered here too. From "Verifying the signatures of Amazon SNS messages" of its developer guide, and
 * from services-custom/sns-message-manager of the AWS SDK for Java 2.
 */

import { verify, X509Certificate } from 'node:crypto'
import { awsDomain } from '../../../aws-domain.ts'
import type { Reach } from '../other-servers.ts'
import type { Call, Verdict } from './call.ts'

type Topic = {
  /** Of the SNS of its region. The certificates of SNS are at this origin only. */
  readonly origin: string
  /** Names of which a certificate must have one. */
  readonly names: readonly string[]
}

type Message = Readonly<Record<string, string>>

/** The oldest accepted message: SNS retries for at most 3,600 s ("Amazon SNS message delivery retries"), and clocks differ. */
const oldestMs = 3_900_000
const maxAheadMs = 300_000

const algorithms: ReadonlyMap<string, string> = new Map([
  ['1', 'sha1'],
  ['2', 'sha256'],
])

/**
 * @param topics  Their ARNs, separated by commas. SNS signs the messages of all its customers by the same certificate, so
 * only the topic shows that a message is ours.
 */
export function sns(topics: string, reach: Reach): (call: Call) => Promise<Verdict> {
  const known = topicsOf(topics)
  const certificates = certificateStore(reach)

  return async ({ said: { document }, nowMs }) => {
    const message = messageOf(document)
    const topic = known.get(message.TopicArn ?? '')
    const algorithm = algorithms.get(message.SignatureVersion ?? '')
    const text = signedTextOf(message)
    if (!topic || !algorithm || text === null || !isRecent(message.Timestamp ?? '', nowMs)) return false
    const url = URL.parse(message.SigningCertURL ?? '')
    if (!url || !isAt(topic, url) || !isOfCertificate(url)) return false
    const certificate = await certificates(url, nowMs)
    if (certificate === 'later') return 'later'
    if (!certificate || !isFor(topic, certificate, nowMs)) return false
    const signature = Buffer.from(message.Signature ?? '', 'base64')
    if (!verify(algorithm, Buffer.from(text), certificate.publicKey, signature)) return false
    if (message.Type === 'Notification') return true
    if (message.Type === 'SubscriptionConfirmation') return confirm(message, topic, reach)
    return 'answered' // the subscription was ended by somebody who may end it
  }
}

function topicsOf(list: string): ReadonlyMap<string, Topic> {
  const topics = new Map<string, Topic>()
  for (const arn of list.split(',').map((one) => one.trim())) {
    const region = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[\w.-]+$/.exec(arn)?.[1]
    if (region === undefined) continue
    const domain = awsDomain(region)
    // The forms of SnsHostProvider in the SDK. Its list of regions is closed, but new regions will have one of these forms.
    const names = [`sns.${domain}`, `sns-${region}.${domain}`, `sns-signing.${region}.${domain}`]
    if (region.startsWith('us-gov-')) names.push(`sns-us-gov-west-1.${domain}`)
    topics.set(arn, { origin: `https://sns.${region}.${domain}`, names })
  }
  return topics
}

/** Those of its fields that are text; all fields of SNS are. */
function messageOf(document: unknown): Message {
  const entries = typeof document === 'object' && document !== null ? Object.entries(document) : []
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

/** The signed fields of each type, in order; a subject only if there is one. */
const signedFields: Readonly<Record<string, readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    'Message',
    'MessageId',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type',
  ],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
}

/** @returns null if a field is missing. */
function signedTextOf(message: Message): string | null {
  const type = message.Type ?? ''
  const fields = Object.hasOwn(signedFields, type) ? signedFields[type]! : []
  const there = fields.filter((name) => name !== 'Subject' || message[name] !== undefined)
  if (there.length === 0 || there.some((name) => message[name] === undefined)) return null
  return there.map((name) => `${name}\n${message[name]}\n`).join('')
}

function isRecent(timestamp: string, nowMs: number): boolean {
  const ageMs = nowMs - Date.parse(timestamp)
  return ageMs <= oldestMs && -ageMs <= maxAheadMs // both are false for a text that is no time
}

/** A URL with a query or a fragment is refused, because with them one certificate would have any number of URLs. */
function isOfCertificate(url: URL): boolean {
  return url.pathname.endsWith('.pem') && url.search === '' && url.hash === ''
}

/** Compares the whole origin: `https://sns.eu-west-1.amazonaws.com.example.com` begins in the same way. */
function isAt(topic: Topic, url: URL): boolean {
  return url.origin === topic.origin && url.username === '' && url.password === ''
}

function isFor(topic: Topic, certificate: X509Certificate, nowMs: number): boolean {
  const { validFromDate, validToDate } = certificate
  const isLive = validFromDate.getTime() <= nowMs && nowMs <= validToDate.getTime()
  return isLive && topic.names.some((name) => certificate.checkHost(name, { wildcards: false }) !== undefined)
}

const maxKept = 10
/** The most fetches: unsigned calls can name any number of missing certificates, while there are few real ones. */
const maxFetches = 10
const fetchesPerMs = 60_000

/** @throws Error if SNS cannot be reached. */
type Certificates = (url: URL, nowMs: number) => Promise<X509Certificate | null | 'later'>

/** Fetches each certificate once. null: the document is no certificate. 'later': too many have been fetched. */
function certificateStore(reach: Reach): Certificates {
  const kept = new Map<string, X509Certificate>()
  const underWay = new Map<string, Promise<X509Certificate | null>>()
  let fetches: number[] = []

  return async (url, nowMs) => {
    const known = kept.get(url.href) ?? underWay.get(url.href)
    if (known) return known
    fetches = fetches.filter((at) => nowMs - at < fetchesPerMs)
    if (fetches.length >= maxFetches) return 'later'
    fetches.push(nowMs)
    const fetched = reach(url)
      .then(({ status, text }) => {
        if (status >= 500 || status === 429)
          throw new Error(`SNS answered ${status} in place of its certificate`)
        const certificate = status === 200 ? certificateOf(text) : null
        if (certificate === null) return null
        // A kept certificate is dropped only for one that really exists.
        if (kept.size >= maxKept) kept.delete(kept.keys().next().value!)
        kept.set(url.href, certificate)
        return certificate
      })
      .finally(() => underWay.delete(url.href))
    underWay.set(url.href, fetched)
    return fetched
  }
}

function certificateOf(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}

/** @throws Error if SNS cannot be reached. SNS then sends the request again. */
async function confirm(message: Message, topic: Topic, reach: Reach): Promise<Verdict> {
  const url = URL.parse(message.SubscribeURL ?? '')
  const isOurs =
    url !== null &&
    isAt(topic, url) &&
    url.searchParams.get('Action') === 'ConfirmSubscription' &&
    url.searchParams.get('TopicArn') === message.TopicArn
  if (!isOurs) return false
  const { status } = await reach(url)
  if (status !== 200) throw new Error(`SNS answered ${status} to the confirmation of a subscription`)
  return 'answered'
}
