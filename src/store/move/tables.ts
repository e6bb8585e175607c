/** The tables that a move copies: every table of the store, with columns that both engines understand. */

import { hash } from 'node:crypto'
import { storableJson } from '../storable.ts'

/**
 * The form of a value between engines. text, number: unchanged · flag: a boolean · json: the value, not its spelling ·
 * numbers: a list of numbers · limiter: the key of a limiter, in the form of the contract.
 */
export type ColumnKind = 'text' | 'number' | 'flag' | 'json' | 'numbers' | 'limiter'

export type Table = {
  readonly name: string
  /** The engine's table, if that has other rows too. */
  readonly from: string
  /** The condition for its rows, which every engine understands. */
  readonly where: string
  /** Rows are read in the order of these columns, as the engine sorts them. */
  readonly key: readonly string[]
  readonly columns: Readonly<Record<string, ColumnKind>>
}

/** A row by the names of its columns. A missing value is null. */
export type MovedRow = Readonly<Record<string, unknown>>

const text = 'text'
const number = 'number'
const flag = 'flag'
const json = 'json'

/** Every table, in an order in which a row comes after those that it refers to. */
export const movedTables: readonly Table[] = [
  table('tenant', ['id'], {
    id: text,
    name: text,
    account_app: text,
    address: text,
    auto_user_create: flag,
  }),
  table('app', ['id'], {
    id: text,
    tenant: text,
    name: text,
    sealed_key: text,
    is_service_provider: flag,
    is_disabled: flag,
    policy: json,
    created_at: number,
    description: text,
    previous_key: text,
    previous_key_until: number,
    updated_at: number,
    deleted_at: number,
  }),
  table('api_key', ['id'], {
    id: text,
    tenant: text,
    app: text,
    hash: text,
    hint: text,
    name: text,
    kind: text,
    is_test: flag,
    scopes: json,
    origins: json,
    networks: json,
    version: text,
    created_at: number,
    expires_at: number,
    revoked_at: number,
    last_used_at: number,
  }),
  table('member', ['id'], {
    id: text,
    tenant: text,
    account: text,
    password_hash: text,
    role: text,
    is_disabled: flag,
    profile: json,
    dept_code: text,
    phone_key: text,
    phone: json,
    phone_country: text,
    email_key: text,
    email: json,
    created_at: number,
    third_account: text,
    sort_level: number,
    hides_phone: flag,
    must_change_password: flag,
    contact_barred_until: number,
  }),
  table('member_listing', ['member'], {
    tenant: text,
    member: text,
    sort_level: number,
    name: text,
    account: text,
    dept_code: text,
    role: text,
    is_disabled: flag,
    words: text,
    hidden: text,
  }),
  table('department', ['tenant', 'code'], {
    tenant: text,
    code: text,
    name: text,
    parent: text,
    note: text,
    in_permission: text,
    out_permission: text,
    designated_out: json,
    sort_level: number,
    path: text,
  }),
  table('former_member', ['id'], {
    id: text,
    tenant: text,
    account: text,
    contacts: json,
    deleted_at: number,
    due_at: number,
  }),
  table('former_contact', ['member', 'contact', 'changed_at', 'address_key'], {
    tenant: text,
    member: text,
    contact: text,
    changed_at: number,
    address_key: text,
    address: json,
    country: text,
  }),
  table('recovery', ['member'], {
    member: text,
    tenant: text,
    app: text,
    contact: text,
    address_key: text,
    address: json,
    country: text,
    locale: text,
    started_by: text,
    started_at: number,
    due_at: number,
  }),
  table('token', ['hash'], {
    hash: text,
    kind: text,
    login: text,
    tenant: text,
    app: text,
    member: text,
    client_type: number,
    created_at: number,
    expires_at: number,
  }),
  table('login_proof', ['member', 'login'], { member: text, login: text, expires_at: number }),
  table('repeat', ['fingerprint'], { fingerprint: text, expires_at: number }),
  table('once', ['key'], { key: text, fingerprint: text, result: json, expires_at: number }),
  table('consumption', ['thing'], { thing: text, consumer: text, expires_at: number }),
  table('ledger', ['key'], { key: 'limiter', form: text, numbers: 'numbers', forgotten_at: number }),
  table(
    'verification',
    ['id'],
    {
      id: text,
      tenant: text,
      app: text,
      member: text,
      address: text,
      purpose: text,
      key_id: text,
      digits: number,
      state: number,
      issued_at: number,
      expires_at: number,
      submissions: number,
      is_test: flag,
      used_at: number,
      details: json,
    },
    // Without decoys, which each engine makes for itself; no real id begins like theirs.
    { where: `id > '${'0'.repeat(12)}g'` },
  ),
  table('outbox', ['queued_at', 'message_id'], {
    queued_at: number,
    message_id: text,
    verification: text,
    body: json,
    deadline_at: number,
    due_at: number,
    owner: text,
    dispatches: number,
    tried: json,
    unknowns: number,
    second: text,
    handing: text,
  }),
  table(
    'dispatch',
    ['about', 'message', 'nth'],
    {
      about: text,
      message: text,
      nth: number,
      tenant: text,
      app: text,
      channel: text,
      provider: text,
      region: text,
      outcome: text,
      provider_code: text,
      provider_id: text,
      receipt_key: text,
      queued_at: number,
      handed_at: number,
      answered_at: number,
      segments: number,
      price: json,
      next: text,
      is_late: flag,
      receipt_state: number,
      receipt_at: number,
      receipt_code: text,
      told: json,
    },
    // SQLite keeps messages that wait in the same table.
    { where: "outcome <> ''" },
  ),
  table('journal', ['seq'], {
    seq: number,
    at: number,
    kind: text,
    tenant: text,
    app: text,
    member: text,
    verification: text,
    detail: json,
    address_tag: text,
  }),
  table('audit', ['seq'], {
    seq: number,
    at: number,
    actor_kind: text,
    actor: text,
    act: text,
    tenant: text,
    target: text,
    request_id: text,
    details: text,
    key_id: text,
    previous: text,
    mac: text,
  }),
  table('audit_head', ['name'], { name: text, seq: number, mac: text, key_id: text, seal: text }),
  table('event', ['id'], {
    id: text,
    tx: number,
    seq: number,
    type: text,
    tenant: text,
    app: text,
    verification: text,
    at: number,
    facts: json,
  }),
  table('webhook', ['id'], {
    id: text,
    tenant: text,
    app: text,
    url: text,
    description: text,
    types: json,
    is_enabled: flag,
    disabled_by: text,
    secrets: json,
    signing_key: text,
    created_at: number,
    cursor: text,
    failures: number,
    owner: text,
    lease_until: number,
  }),
  table('webhook_delivery', ['seq'], {
    seq: number,
    webhook: text,
    event: text,
    type: text,
    verification: text,
    state: text,
    tries: number,
    first_at: number,
    last_at: number,
    due_at: number,
    status: number,
    reason: text,
    took_ms: number,
  }),
  // The positions of the sweep in the order of time. Without them it would go through everything again.
  table(
    'pass',
    ['name'],
    { name: text, value: text },
    { from: 'meta', where: "(name like 'expired-%' or name = 'receipts')" },
  ),
]

function table(
  name: string,
  key: readonly string[],
  columns: Readonly<Record<string, ColumnKind>>,
  { from = name, where = 'true' }: { readonly from?: string; readonly where?: string } = {},
): Table {
  return { name, from, where, key, columns }
}

/** A digest of a table's rows, the same for any order of reading. */
export type Digest = { readonly rows: number; readonly checksum: string }

const modulus = 2n ** 256n

/**
 * Adds up the rows: the SHA-256 of each row's values in the order of the columns, as a number. So engines that sort
 * differently agree, and a row that is there twice counts twice. Texts are compared in their storable form,
 * JSON without regard to the order of its members.
 */
export function createDigest({ columns }: Table) {
  const kinds = Object.entries(columns)
  let rows = 0
  let sum = 0n
  return {
    add(row: MovedRow): void {
      const values = storableJson(
        kinds.map(([name, kind]) => (kind === 'json' ? sorted(row[name] ?? null) : (row[name] ?? null))),
      )
      sum = (sum + BigInt(`0x${hash('sha256', values)}`)) % modulus
      rows++
    },
    rows: () => rows,
    value: (): Digest => ({ rows, checksum: sum.toString(16).padStart(64, '0') }),
  }
}

/** The same value with the members of its objects in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  )
}
