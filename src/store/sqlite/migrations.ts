/** The schema of the embedded engine, as numbered steps applied in order at start. Never edit one: add. */

export const migrations: readonly string[] = [
  // 1: the whole of the first schema
  `
  create table meta (name text primary key, value any) strict, without rowid;

  create table tenant (
    id text primary key, name text not null, account_app text not null
  ) strict, without rowid;

  create table app (
    id text primary key, tenant text not null references tenant, name text not null,
    sealed_key text not null, is_service_provider integer not null, is_disabled integer not null,
    policy text not null, created_at integer not null
  ) strict, without rowid;
  create index app_of_tenant on app (tenant);

  create table member (
    id text primary key, tenant text not null references tenant, account text not null,
    password_hash text, role text not null, is_disabled integer not null, profile text not null,
    dept_code text not null, phone_key text, phone text, phone_country text, email_key text, email text,
    created_at integer not null
  ) strict, without rowid;
  create unique index member_account on member (tenant, account);
  create unique index member_login on member (account) where password_hash is not null;
  create unique index member_phone on member (tenant, phone_key) where phone_key is not null;
  create unique index member_email on member (tenant, email_key) where email_key is not null;

  create table token (
    hash text primary key, kind text not null, login text not null, tenant text not null, app text not null,
    member text not null, client_type integer not null, created_at integer not null, expires_at integer not null
  ) strict, without rowid;
  create index token_of_member on token (member, client_type, kind, created_at);
  create index token_of_login on token (login);

  -- The id begins with its time, so new rows and the rows of one minute lie together: the table may
  -- hold years without a write touching an old page. Only live rows are in the second index.
  create table verification (
    id text primary key, tenant text not null, app text not null, member text not null,
    address text not null, purpose text not null, key_id text not null, digits integer not null,
    state integer not null, issued_at integer not null, expires_at integer not null,
    submissions integer not null, is_test integer not null
  ) strict, without rowid;
  create unique index verification_live on verification (member, address, purpose, app, tenant) where state = 0;

  create table proof (
    tenant text not null, app text not null, member text not null, expires_at integer not null,
    primary key (member, app, tenant)
  ) strict, without rowid;

  create table repeat (
    fingerprint text primary key, expires_at integer not null
  ) strict, without rowid;

  create table ledger (
    key text primary key, form text not null, numbers blob not null, forgotten_at integer not null
  ) strict, without rowid;

  -- due_at is the end of the lease while someone holds one.
  create table outbox (
    message_id text primary key, verification text, body text not null, queued_at integer not null,
    deadline_at integer not null, due_at integer not null, owner text not null, dispatches integer not null
  ) strict, without rowid;
  create index outbox_due on outbox (due_at);

  create table journal (
    seq integer primary key, at integer not null, kind text not null, tenant text not null, app text not null,
    member text not null, verification text not null, detail text not null
  ) strict;
  `,

  // 2: the outbox in the order of time. Message ids are random: with 600,000 waiting, each send and each
  // settlement wrote pages scattered over all of them; a third of the speed.
  `
  create table outbox_in_time (
    queued_at integer not null, message_id text not null, verification text, body text not null,
    deadline_at integer not null, due_at integer not null, owner text not null, dispatches integer not null,
    primary key (queued_at, message_id)
  ) strict, without rowid;
  insert into outbox_in_time
    select queued_at, message_id, verification, body, deadline_at, due_at, owner, dispatches from outbox;
  drop table outbox;
  alter table outbox_in_time rename to outbox;
  create index outbox_due on outbox (due_at);
  `,

  // 3: dispatches as a table of their own, which receipts are matched with, and what a verification came to.
  // The first column is the verification's id, or for a notice its time and id in the same form: both begin
  // with their time, so rows are appended. Ids of providers are scattered, so only what awaits a receipt is
  // in the index, and only for some days. A message in the outbox with a channel of its own is one that was
  // accepted and waits whether a second channel is needed.
  `
  alter table verification add column used_at integer;
  create table dispatch (
    about text not null, message text not null, nth integer not null, tenant text not null, app text not null,
    channel text not null, provider text not null, region text not null, outcome text not null,
    provider_code text not null, provider_id text not null, receipt_key text, queued_at integer not null,
    handed_at integer not null, answered_at integer not null, segments integer, price text, next text not null,
    is_late integer not null, receipt_state integer, receipt_at integer, receipt_code text,
    primary key (about, message, nth)
  ) strict, without rowid;
  create index dispatch_receipt on dispatch (provider, receipt_key) where receipt_key is not null;
  insert or ignore into dispatch
    select case when verification = '' then printf('%012x', at) || (detail ->> 'message') else verification end,
      detail ->> 'message', seq, tenant, app, detail ->> 'channel', detail ->> 'provider', '', detail ->> 'outcome',
      coalesce(detail ->> 'providerCode', ''), coalesce(detail ->> 'providerMessageId', ''), null,
      detail ->> 'queuedAt', at - (detail ->> 'tookMs'), at, null, null, detail ->> 'next',
      coalesce(detail ->> 'late', 0), null, null, null
    from journal where kind = 'dispatch';
  delete from journal where kind = 'dispatch';
  alter table outbox add column tried text not null default '[]';
  alter table outbox add column unknowns integer not null default 0;
  alter table outbox add column second text;
  `,

  // 4: what was proved belongs to the login that proved it; who is half through a change proves again. The logins
  // of an app can be ended. The root department where a login had named none.
  `
  drop table proof;
  create table login_proof (
    member text not null, login text not null, expires_at integer not null, primary key (member, login)
  ) strict, without rowid;
  create index token_of_app on token (app);
  update member set dept_code = '1' where dept_code = '';
  `,

  // 5: the provider that a message is being handed over to, where it may go only once.
  `
  alter table outbox add column handing text;
  `,

  // 6: refusals are found by their address, which is not in the journal itself.
  `
  alter table journal add column address_tag text not null default '';
  create index journal_of_address on journal (address_tag, at) where address_tag <> '';
  `,

  // 7: apps without a limit that is no setting any more: what others enter refuses no code that was sent.
  `
  update app set policy = json_remove(policy, '$.limits.submissions.address');
  `,

  // 8: one row a message from queue to record. It waits with an empty outcome and becomes the record of its dispatch in
  // place, so a send writes this table and its indexes half as often. \`nth\` is the number of the present claim, or of
  // the next one if nobody holds it. Only rows with \`is_due\` are in the index of what is due: a new message is put
  // there if it is not settled within seconds (see new-entries.ts). The view is the outbox as a move carries it.
  `
  alter table dispatch add column body text;
  alter table dispatch add column deadline_at integer;
  alter table dispatch add column due_at integer;
  alter table dispatch add column owner text;
  alter table dispatch add column tried text;
  alter table dispatch add column unknowns integer;
  alter table dispatch add column second text;
  alter table dispatch add column handing text;
  alter table dispatch add column is_due integer;
  create index dispatch_due on dispatch (due_at, queued_at, second) where is_due = 1;
  alter table outbox rename to old_outbox;
  create view outbox as
    select queued_at, message as message_id, iif(substr(about, 13) = message, null, about) as verification,
      json_patch(json_object('id', message, 'tenant', tenant, 'app', app, 'channel', channel), body) as body,
      deadline_at, due_at, owner, nth - (owner = '') as dispatches, coalesce(tried, '[]') as tried,
      coalesce(unknowns, 0) as unknowns, second,
      handing
    from dispatch where is_due = 1
    union all
    select queued_at, message, iif(substr(about, 13) = message, null, about),
      json_patch(json_object('id', message, 'tenant', tenant, 'app', app, 'channel', channel), body),
      deadline_at, due_at, owner, nth - (owner = ''), coalesce(tried, '[]'), coalesce(unknowns, 0), second, handing
    from dispatch
    where about > coalesce((select value from meta where name = 'new_entries_after'), 'g')
      and outcome = '' and is_due is null;
  create trigger outbox_insert instead of insert on outbox begin
    insert into dispatch (about, message, nth, tenant, app, channel, provider, region, outcome, provider_code,
      provider_id, queued_at, handed_at, answered_at, next, is_late, body, deadline_at, due_at, owner, tried, unknowns,
      second, handing, is_due)
    values (coalesce(new.verification, printf('%012x', new.queued_at) || new.message_id), new.message_id,
      new.dispatches + (new.owner = ''), coalesce(new.body ->> 'tenant', ''), coalesce(new.body ->> 'app', ''),
      coalesce(new.body ->> 'channel', ''), '', '', '', '', '', new.queued_at, 0, 0, '', 0, new.body,
      new.deadline_at, new.due_at, new.owner, new.tried, new.unknowns, new.second, new.handing, 1);
  end;
  create trigger outbox_delete instead of delete on outbox begin
    delete from dispatch
    where about = coalesce(old.verification, printf('%012x', old.queued_at) || old.message_id)
      and message = old.message_id and outcome = '';
  end;
  insert into outbox
    select queued_at, message_id, verification, body, deadline_at, due_at, owner, dispatches, tried, unknowns, second,
      handing
    from old_outbox;
  drop table old_outbox;
  `,

  // 9: keys of the native API.
  `
  create table api_key (
    id text primary key, tenant text not null, app text not null references app, hash text not null,
    hint text not null, name text not null, kind text not null, is_test integer not null, scopes text not null,
    origins text not null, networks text not null, version text not null, created_at integer not null,
    expires_at integer, revoked_at integer, last_used_at integer
  ) strict, without rowid;
  create unique index api_key_hash on api_key (hash);
  create index api_key_of_app on api_key (app);
  `,

  // 10: what was consumed, such as proof tokens.
  `
  create table consumption (
    thing text primary key, consumer text not null, expires_at integer not null
  ) strict, without rowid;
  `,

  // 11: events, read by their app in the order of `tx` and `seq`. Here `seq` alone is the order; `tx` is the number of
  // the transaction in an engine that needs it, and is kept when events move between engines.
  `
  create table event (
    seq integer primary key, tx integer not null, id text not null, type text not null, tenant text not null,
    app text not null, verification text not null, at integer not null, facts text not null
  ) strict;
  create unique index event_id on event (id);
  create index event_of_app on event (app, tx, seq);
  `,

  // 12: the wishes of a caller with an API key, as JSON.
  `
  alter table verification add column details text;
  `,

  // 13: webhooks, and the record of what was delivered to each. Only what waits has a time when it is due.
  `
  create table webhook (
    id text primary key, tenant text not null, app text not null references app, url text not null,
    description text not null, types text, is_enabled integer not null, disabled_by text, secrets text not null,
    signing_key text, created_at integer not null, cursor text not null, failures integer not null,
    owner text not null, lease_until integer not null
  ) strict, without rowid;
  create index webhook_of_app on webhook (app);
  create table webhook_delivery (
    seq integer primary key, webhook text not null, event text not null, type text not null,
    verification text not null, state text not null, tries integer not null, first_at integer, last_at integer,
    due_at integer, status integer, reason text not null, took_ms integer
  ) strict;
  create unique index webhook_delivery_event on webhook_delivery (event, webhook);
  create index webhook_delivery_of on webhook_delivery (webhook, seq);
  create index webhook_delivery_waiting on webhook_delivery (webhook, due_at) where due_at is not null;
  `,

  // 14: limiters changed lately, which move into their table later (see limiter-log.ts).
  `
  create table limiter_log (seq integer primary key, limiters text not null) strict;
  `,

  // 15: calls that acted, by the keys that their callers gave them, with their results.
  `
  create table once (
    key text primary key, fingerprint text not null, result text not null, expires_at integer not null
  ) strict, without rowid;
  `,

  // 16: the facts of a verification with its dispatch, for events of receipts, where somebody reads those.
  `
  alter table dispatch add column told text;
  `,

  // 17: what administrators keep of members and their enterprise, departments, and what stays of deleted members.
  `
  alter table tenant add column address text not null default '';
  alter table tenant add column auto_user_create integer not null default 1;
  alter table member add column third_account text;
  alter table member add column sort_level integer not null default 10000;
  alter table member add column hides_phone integer not null default 0;
  alter table member add column must_change_password integer not null default 0;
  alter table member add column contact_barred_until integer;
  create unique index member_third_account on member (tenant, third_account) where third_account is not null;
  create index member_of_department on member (tenant, dept_code);
  create index member_with_role on member (tenant, role, account) where role <> 'none';

  create table department (
    tenant text not null references tenant, code text not null, name text not null, parent text, note text not null,
    in_permission text not null, out_permission text not null, designated_out text not null,
    sort_level integer not null, path text not null,
    primary key (tenant, code)
  ) strict, without rowid;
  create index department_path on department (tenant, path);
  create index department_parent on department (tenant, parent);

  create table former_member (
    id text primary key, tenant text not null, account text not null, deleted_at integer not null
  ) strict, without rowid;
  create index former_member_deleted on former_member (deleted_at);
  `,

  // 18: the acts of administrators, apps and the operator, each with a MAC over it and the one before, and the last apart.
  `
  create table audit (
    seq integer primary key, at integer not null, actor_kind text not null, actor text not null, act text not null,
    tenant text not null, target text not null, request_id text not null, details text not null,
    key_id text not null, previous text not null, mac text not null
  ) strict;
  create table audit_head (
    name text primary key, seq integer not null, mac text not null, key_id text not null, seal text not null
  ) strict, without rowid;
  `,

  // 19: the entries of members in lists, each order with an index that holds all of them.
  `
  create table member_listing (
    tenant text not null, member text not null, sort_level integer not null, name text not null,
    account text not null, dept_code text not null, role text not null, is_disabled integer not null,
    words text not null, hidden text not null,
    primary key (tenant, sort_level, name, member)
  ) strict, without rowid;
  create unique index listing_of_member on member_listing (member);
  create index listing_by_name on member_listing (
    tenant, name, member, dept_code, role, is_disabled, words, hidden);
  create index listing_by_account on member_listing (
    tenant, account, member, dept_code, role, is_disabled, words, hidden);
  `,

  // 20: contacts that a change took away, and new contacts that administrators want and that wait.
  `
  create table former_contact (
    tenant text not null, member text not null, contact text not null, changed_at integer not null,
    address_key text not null, address text not null, country text,
    primary key (member, contact, changed_at, address_key)
  ) strict;
  create index former_contact_address on former_contact (address_key);
  create index former_contact_changed on former_contact (changed_at);
  create table recovery (
    member text primary key, tenant text not null, app text not null, contact text not null,
    address_key text not null, address text not null, country text, locale text not null,
    started_by text not null, started_at integer not null, due_at integer not null
  ) strict, without rowid;
  create index recovery_due on recovery (due_at);
  `,

  // 21: deleted members with what leads to all that is kept about them, until that is erased. due_at is the end of the lease
  // while a process erases them.
  `
  alter table former_member add column contacts text not null default '[]';
  alter table former_member add column due_at integer not null default 0;
  create index former_member_due on former_member (due_at);
  `,

  // 22: what administrators keep of apps, the key before the last reset, and when an app was deleted.
  `
  alter table app add column description text not null default '';
  alter table app add column previous_key text;
  alter table app add column previous_key_until integer;
  alter table app add column updated_at integer not null default 0;
  alter table app add column deleted_at integer;
  `,
]
