/** The schema of the PostgreSQL engine, as numbered steps applied in order at start. Never edit one: add. */

import { markName, markOf, refuseMoved } from '../move/mark.ts'
import { refuseNewer, refuseOlder, type SchemaOptions } from '../schema.ts'
import type { PostgresConnection } from './connection.ts'
import { bind, sql } from './statement.ts'

/**
 * Times are `bigint` in ms, engine time, as in every record. `json` and not `jsonb`: nothing asks for parts
 * of it, and it comes back as it was written. Keys sort by their bytes ("C"), as in the embedded engine,
 * whatever the language of the database.
 */
export const migrations: readonly string[] = [
  // 1: the whole of the first schema
  `
  create table tenant (
    id text primary key, name text not null, account_app text not null
  );

  create table app (
    id text primary key, tenant text not null references tenant, name text not null,
    sealed_key text not null, is_service_provider boolean not null, is_disabled boolean not null,
    policy json not null, created_at bigint not null
  );
  create index app_of_tenant on app (tenant);

  create table member (
    id text collate "C" primary key, tenant text not null references tenant,
    account text collate "C" not null, password_hash text, role text not null, is_disabled boolean not null, profile json not null,
    dept_code text not null, phone_key text, phone json, phone_country text, email_key text, email json,
    created_at bigint not null
  );
  create unique index member_account on member (tenant, account);
  create unique index member_login on member (account) where password_hash is not null;
  create unique index member_phone on member (tenant, phone_key) where phone_key is not null;
  create unique index member_email on member (tenant, email_key) where email_key is not null;

  create table token (
    hash text collate "C" primary key, kind text not null, login text not null, tenant text not null, app text not null,
    member text not null, client_type integer not null, created_at bigint not null, expires_at bigint not null
  );
  create index token_of_member on token (member, client_type, kind, created_at);
  create index token_of_login on token (login);

  -- Ids begin with their time, so new rows and the rows of one minute lie together: the table may hold
  -- years without a write touching an old page. Only live rows are in the second index. Some room is left
  -- in each page, so that a submission is counted beside the row and no index is written.
  create table verification (
    id text collate "C" primary key, tenant text not null, app text not null, member text not null,
    address text not null, purpose text not null, key_id text not null, digits integer not null,
    state integer not null, issued_at bigint not null, expires_at bigint not null,
    submissions integer not null, is_test boolean not null, used_at bigint
  ) with (fillfactor = 85);
  create unique index verification_live on verification (member, address, purpose, app, tenant) where state = 0;

  create table proof (
    tenant text not null, app text not null, member text collate "C" not null, expires_at bigint not null,
    primary key (member, app, tenant)
  );

  create table repeat (
    fingerprint text collate "C" primary key, expires_at bigint not null
  );

  create table ledger (
    key text collate "C" primary key, form text not null, numbers json not null, forgotten_at bigint not null
  ) with (fillfactor = 70);

  -- due_at is the end of the lease while someone holds one. A row lives for milliseconds, so what is over
  -- is cleared away before it is a fifth of a table.
  create table outbox (
    queued_at bigint not null, message_id text collate "C" not null, verification text, body json not null,
    deadline_at bigint not null, due_at bigint not null, owner text not null, dispatches integer not null,
    tried json not null, unknowns integer not null, second text,
    primary key (queued_at, message_id)
  ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
  create index outbox_due on outbox (due_at);

  create table dispatch (
    about text collate "C" not null, message text collate "C" not null, nth integer not null,
    tenant text not null, app text not null, channel text not null, provider text not null,
    region text not null, outcome text not null, provider_code text not null, provider_id text not null,
    receipt_key text, queued_at bigint not null, handed_at bigint not null, answered_at bigint not null,
    segments integer, price json, next text not null, is_late boolean not null,
    receipt_state integer, receipt_at bigint, receipt_code text,
    primary key (about, message, nth)
  );
  create index dispatch_receipt on dispatch (provider, receipt_key) where receipt_key is not null;

  create table journal (
    seq bigint generated always as identity primary key, at bigint not null, kind text not null,
    tenant text not null, app text not null, member text not null, verification text not null,
    detail json not null
  );
  `,

  // 2: what was proved belongs to the login that proved it; the table `proof` of the code before is left to it, and
  // goes in a later step. The logins of an app can be ended. The root department where a login had named none.
  `
  create table login_proof (
    member text collate "C" not null, login text collate "C" not null, expires_at bigint not null,
    primary key (member, login)
  );
  create index token_of_app on token (app);
  update member set dept_code = '1' where dept_code = '';
  `,

  // 3: the provider that a message is being handed over to, where it may go only once.
  `
  alter table outbox add column handing text;
  `,

  // 4: refusals are found by their address, which is not in the journal itself.
  `
  alter table journal add column address_tag text collate "C" not null default '';
  create index journal_of_address on journal (address_tag, at) where address_tag <> '';
  `,

  // 5: apps without a limit that is no setting any more: what others enter refuses no code that was sent.
  `
  update app set policy = (policy::jsonb #- '{limits,submissions,address}')::json
  where policy #> '{limits,submissions,address}' is not null;
  `,

  // 6: room in a page for one more version of each of its rows. Each is updated twice within its minute, and an update
  // that finds none in its page writes both indexes: 2.74 kB of log for a code's whole life, now 2.37.
  `
  alter table verification set (fillfactor = 60);
  `,

  // 7: keys of the native API. The time of a use is written about each minute, and is in no index.
  `
  create table api_key (
    id text collate "C" primary key, tenant text not null, app text not null references app, hash text not null,
    hint text not null, name text not null, kind text not null, is_test boolean not null, scopes json not null,
    origins json not null, networks json not null, version text not null, created_at bigint not null,
    expires_at bigint, revoked_at bigint, last_used_at bigint
  ) with (fillfactor = 70);
  create unique index api_key_hash on api_key (hash);
  create index api_key_of_app on api_key (app);
  `,

  // 8: what was consumed, such as proof tokens.
  `
  create table consumption (
    thing text collate "C" primary key, consumer text not null, expires_at bigint not null
  );
  `,

  // 9: events, read by their app in the order of transactions and within each of `seq`.
  `
  create table event (
    id text collate "C" primary key, tx bigint not null default (pg_current_xact_id()::text::bigint),
    seq bigint generated by default as identity, type text not null, tenant text not null,
    app text collate "C" not null, verification text not null, at bigint not null, facts json not null
  );
  create index event_of_app on event (app, tx, seq);
  `,

  // 10: the wishes of a caller with an API key.
  `
  alter table verification add column details json;
  `,

  // 11: webhooks, and the record of what was delivered to each. Only what waits has a time when it is due.
  `
  create table webhook (
    id text collate "C" primary key, tenant text not null, app text collate "C" not null references app,
    url text not null, description text not null, types json, is_enabled boolean not null, disabled_by text,
    secrets json not null, signing_key text, created_at bigint not null, cursor text not null,
    failures integer not null, owner text not null, lease_until bigint not null
  ) with (fillfactor = 50);
  create index webhook_of_app on webhook (app);
  create table webhook_delivery (
    seq bigint generated by default as identity primary key, webhook text collate "C" not null,
    event text collate "C" not null, type text not null, verification text not null, state text not null,
    tries integer not null, first_at bigint, last_at bigint, due_at bigint, status integer, reason text not null,
    took_ms bigint
  );
  create unique index webhook_delivery_event on webhook_delivery (event, webhook);
  create index webhook_delivery_of on webhook_delivery (webhook, seq);
  create index webhook_delivery_waiting on webhook_delivery (webhook, due_at) where due_at is not null;
  `,

  // 12: calls that acted, by the keys that their callers gave them, with their results.
  `
  create table once (
    key text collate "C" primary key, fingerprint text not null, result json not null, expires_at bigint not null
  );
  `,

  // 13: the facts of a verification with its dispatch, for events of receipts, where somebody reads those.
  `
  alter table dispatch add column told json;
  `,

  // 14: what administrators keep of members and their enterprise, departments, and what stays of deleted members.
  `
  alter table tenant add column address text not null default '';
  alter table tenant add column auto_user_create boolean not null default true;
  alter table member add column third_account text collate "C";
  alter table member add column sort_level integer not null default 10000;
  alter table member add column hides_phone boolean not null default false;
  alter table member add column must_change_password boolean not null default false;
  alter table member add column contact_barred_until bigint;
  create unique index member_third_account on member (tenant, third_account) where third_account is not null;
  create index member_of_department on member (tenant, dept_code);
  create index member_with_role on member (tenant, role, account) where role <> 'none';

  create table department (
    tenant text not null references tenant, code text collate "C" not null, name text not null,
    parent text collate "C", note text not null, in_permission text not null, out_permission text not null,
    designated_out json not null, sort_level integer not null, path text collate "C" not null,
    primary key (tenant, code)
  );
  create index department_path on department (tenant, path);
  create index department_parent on department (tenant, parent);

  create table former_member (
    id text collate "C" primary key, tenant text not null, account text not null, deleted_at bigint not null
  );
  create index former_member_deleted on former_member (deleted_at);
  `,

  // 15: the acts of administrators, apps and the operator, each with a MAC over it and the one before, and the last apart.
  `
  create table audit (
    seq bigint primary key, at bigint not null, actor_kind text not null, actor text not null, act text not null,
    tenant text not null, target text not null, request_id text not null, details text not null,
    key_id text not null, previous text not null, mac text not null
  );
  create table audit_head (
    name text primary key, seq bigint not null, mac text not null, key_id text not null, seal text not null
  );
  `,

  // 16: the entries of members in lists, each order with an index that holds all of them. Tidied often, because an index
  // alone answers only for the pages that have been tidied since their last change.
  `
  create table member_listing (
    tenant text collate "C" not null, member text collate "C" primary key, sort_level integer not null,
    name text collate "C" not null, account text collate "C" not null, dept_code text collate "C" not null,
    role text collate "C" not null, is_disabled boolean not null, words text collate "C" not null,
    hidden text collate "C" not null
  ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
  create index listing_by_level on member_listing (tenant, sort_level, name, member)
    include (dept_code, role, is_disabled, words, hidden);
  create index listing_by_name on member_listing (tenant, name, member)
    include (dept_code, role, is_disabled, words, hidden);
  create index listing_by_account on member_listing (tenant, account, member)
    include (dept_code, role, is_disabled, words, hidden);
  `,

  // 17: contacts that a change took away, and new contacts that administrators want and that wait.
  `
  create table former_contact (
    tenant text not null, member text not null, contact text not null, changed_at bigint not null,
    address_key text not null, address json not null, country text,
    primary key (member, contact, changed_at, address_key)
  );
  create index former_contact_address on former_contact (address_key);
  create index former_contact_changed on former_contact (changed_at);
  create table recovery (
    member text primary key, tenant text not null, app text not null, contact text not null,
    address_key text not null, address json not null, country text, locale text not null,
    started_by text not null, started_at bigint not null, due_at bigint not null
  );
  create index recovery_due on recovery (due_at);
  `,

  // 18: deleted members with what leads to all that is kept about them, until that is erased. due_at is the end of the lease
  // while a process erases them.
  `
  alter table former_member add column contacts json not null default '[]';
  alter table former_member add column due_at bigint not null default 0;
  create index former_member_due on former_member (due_at);
  `,

  // 19: what administrators keep of apps, the key before the last reset, and when an app was deleted.
  `
  alter table app add column description text not null default '';
  alter table app add column previous_key text;
  alter table app add column previous_key_until bigint;
  alter table app add column updated_at bigint not null default 0;
  alter table app add column deleted_at bigint;
  `,
]

/**
 * The oldest version of the code, by the schema it knows, that works on the present schema. A step that only adds, with
 * defaults, leaves this number. A step that older code cannot work with raises it, and must come one version after the
 * code that stopped using the removed parts. So an upgrade stops nothing: processes of both versions run, and may start,
 * beside each other.
 */
const oldestServed = 1

/** The number of our advisory lock, among those of others in the same database. */
const migrationLock = 7_261_953_104
const waitMs = 600_000

const present = sql(`select to_json(coalesce(to_regclass('meta')::text, ''))`)
const version = sql(`select to_json(value::integer) from meta where name = 'schema'`)
const mark = sql(`select to_json(value) from meta where name = '${markName}'`)
const served = sql(`select to_json(value::integer) from meta where name = 'oldest-served'`)

/**
 * Brings the schema up to date, if it may. Of many processes that start at once, one does it and the others wait.
 * @throws AppError `store.schema-newer`, `store.schema-older`, PostgresError.
 */
export async function migrate(
  connection: PostgresConnection,
  { migrates = true, onMigrated }: SchemaOptions = {},
): Promise<void> {
  const until = performance.now() + waitMs
  const one = async (statement: typeof version) => (await connection.run([bind(statement)], until))[0]?.[0]
  const isReady = async (known: number) =>
    isCurrent(known, known > migrations.length ? ((await one(served)) as number | undefined) : undefined)
  // Read first, so that a server whose role may not change the schema can run on one that is up to date.
  const found = await schemaOf(connection)
  if (found > 0 && (await isReady(found))) return
  if (!migrates) refuseOlder(found, migrations.length)
  let migratedFrom: number | undefined
  try {
    await connection.script(
      `begin; select pg_advisory_xact_lock(${migrationLock});
       create table if not exists meta (name text primary key, value text not null);
       insert into meta values ('schema', '0') on conflict do nothing`,
      until,
    )
    const known = (await one(version)) as number
    if (!(await isReady(known))) {
      migratedFrom = known
      for (const step of migrations.slice(known)) await connection.script(step, until)
      await connection.script(
        `update meta set value = '${migrations.length}' where name = 'schema';
         insert into meta values ('oldest-served', '${oldestServed}')
         on conflict (name) do update set value = excluded.value`,
        until,
      )
    }
    await connection.script('commit', until)
    if (migratedFrom !== undefined) onMigrated?.(migratedFrom, migrations.length)
  } catch (error) {
    await connection.script('rollback', until).catch(() => undefined)
    throw error
  }
}

/** @returns The version of the schema; 0 if there is none yet. */
export async function schemaOf(connection: PostgresConnection): Promise<number> {
  const one = async (statement: typeof version) =>
    (await connection.run([bind(statement)], performance.now() + waitMs))[0]?.[0]
  return (await one(present)) === '' ? 0 : ((await one(version)) as number)
}

/** @throws AppError `store.moved` if the store takes part in a move and no server may use it. */
export async function refuseIfMoved(connection: PostgresConnection): Promise<void> {
  const [rows] = await connection.run([bind(mark)], performance.now() + waitMs)
  refuseMoved(markOf(rows![0]))
}

/** @param oldest  The oldest version that a newer schema serves. */
function isCurrent(known: number, oldest = known): boolean {
  if (oldest > migrations.length) refuseNewer(known, migrations.length)
  return known >= migrations.length
}
