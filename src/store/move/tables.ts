/** What a move carries: every table of the store, with its columns as both engines understand them. */

import { hash } from 'node:crypto'
import { storableJson } from '../storable.ts'

/**
 * How a value looks between engines. text, number: as they are · flag: a boolean · json: what it says, not
 * how it is spelt · numbers: a list of them · limiter: the key of a limiter as the contract spells it.
 */
export type ColumnKind = 'text' | 'number' | 'flag' | 'json' | 'numbers' | 'limiter'

export type Table = {
  readonly name: string
  /** The table it lies in, if that keeps more than this. */
  readonly from: string
  /** Which of its rows, as a condition that every engine understands. */
  readonly where: string
  /** Rows are read in the order of these columns, as the engine sorts them. */
  readonly key: readonly string[]
  readonly columns: Readonly<Record<string, ColumnKind>>
}

/** By the names of the columns. A value that is not there is null. */
export type MovedRow = Readonly<Record<string, unknown>>

const text = 'text'
const number = 'number'
const flag = 'flag'
const json = 'json'

/** In an order in which a row comes after those it refers to. */
export const movedTables: readonly Table[] = [
  table('tenant', ['id'], { id: text, name: text, account_app: text }),
  table('app', ['id'], {
    id: text,
    tenant: text,
    name: text,
    sealed_key: text,
    is_service_provider: flag,
    is_disabled: flag,
    policy: json,
    created_at: number,
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
    },
    // Each engine has rows of its own that unknown addresses are counted on; no real id begins so.
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
  // How far the sweep has come in the order of time: without it, it would go through everything again.
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

/** What a table holds, in whatever order its rows are read. */
export type Digest = { readonly rows: number; readonly checksum: string }

const modulus = 2n ** 256n

/**
 * Adds rows up: each as SHA-256 of its values in the order of the columns, and these as numbers. So two engines
 * agree that sort differently, and a row that is there twice counts twice. Of texts what every engine can keep.
 */
export function createDigest({ columns }: Table) {
  const names = Object.keys(columns)
  let rows = 0
  let sum = 0n
  return {
    add(row: MovedRow): void {
      const values = storableJson(names.map((name) => row[name] ?? null))
      sum = (sum + BigInt(`0x${hash('sha256', values)}`)) % modulus
      rows++
    },
    rows: () => rows,
    value: (): Digest => ({ rows, checksum: sum.toString(16).padStart(64, '0') }),
  }
}
