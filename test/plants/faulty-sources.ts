/** Faults that peers of this product have had, as changes to its source: by file, what is written instead of what. */

type Edits = Readonly<Record<string, readonly (readonly [string, string])[]>>

export const plants: Readonly<Record<string, Edits>> = {
  /** Counts are read, raised and written, and nothing keeps another process from doing so meanwhile. */
  'count that is not atomic': {
    'src/store/postgres/limiters.ts': [['order by l.key for update of l', 'order by l.key']],
    'src/store/postgres/verification-rows.ts': [['order by v.id for update of v', 'order by v.id']],
  },

  /** A right code is used whatever has become of it. */
  'use without a condition': {
    'src/store/verbs/use.ts': [
      ['return record && isUsable(record, unit.now) ? record : undefined', 'return record'],
    ],
  },

  /** Where the store is away there are no limits, and the message is sent all the same. */
  'limiter that fails open': {
    'src/flows/issue-code.ts': [
      [
        'await services.store.verifications.issue({',
        `await ((request: never) => services.store.verifications.issue(request).catch(() => {
          const { id, key, keyId, digits, lifetimeMs, isTest } = request as any
          const issuedAt = Date.now()
          const record = { id, ...key, keyId, digits, state: 'live', issuedAt, expiresAt: issuedAt + lifetimeMs, submissions: 0, usedAt: null, isTest }
          const { message } = request as any
          const life = { deadlineAt: record.expiresAt, remainingMs: lifetimeMs, nth: 1, tried: [], unknowns: 0, isSecond: false }
          return { kind: 'issued', record, ...(message && { entry: { message, verification: record, queuedAt: issuedAt, ...life } }) } as any
        }))({`,
      ],
    ],
  },

  /** Messages are handed to the carrier by the process that took them, and written nowhere. */
  'no outbox': {
    'src/store/postgres/outbox.ts': [
      [
        '...(queued.length > 0 ? [bindRows(insertEntries, queued)] : []),',
        '...(queued.length < 0 ? [bindRows(insertEntries, queued)] : []),',
      ],
    ],
  },

  /** The contact of whom the caller names is changed. */
  'member that the caller names': {
    'src/http/huawei/authenticate.ts': [
      [
        'request.session = session\n      done()',
        `const named = request.headers['x-user-id']
      if (typeof named !== 'string') {
        request.session = session
        return done()
      }
      services.store.directory.memberByAccount(session.tenant.id, named).then((member) => {
        request.session = { ...session, member: member ?? session.member }
        done()
      }, done)`,
      ],
    ],
  },

  /** A store that does not answer is waited for. */
  'patience with the store': {
    'src/store/calls.ts': [['deadlineMsByDefault = 800', 'deadlineMsByDefault = 6_000']],
    'src/http/huawei/dialect.ts': [['maxAnswerMs = 850', 'maxAnswerMs = 7_000']],
  },

  /** Codes live by the clock on the wall, which an operator or a time server sets. */
  'clock that can be set': {
    'src/store/sqlite/engine-clock.ts': [
      ['Math.floor(start + monotonicNow() - origin)', 'Math.floor(origin < 0 ? start : wallNow())'],
    ],
  },

  /** A message that is tried again gets a name of its own. */
  'copies with other ids': {
    'src/delivery/message-of-entry.ts': [
      [
        '({ message, verification }, remainingMs, sender)',
        '({ message, verification, nth }, remainingMs, sender)',
      ],
      [
        'return { id, tenant, app, channel, to, locale, template, sender, ...text, deadlineAt, remainingMs }',
        "return { id: id.slice(0, 28) + String(nth).padStart(4, '0'), tenant, app, channel, to, locale, template, sender, ...text, deadlineAt, remainingMs }",
      ],
    ],
  },

  /** A carrier's words are searched whole, each mailbox from each of its characters on. */
  'words searched whole': {
    'src/carrier-words.ts': [
      ['told.length <= maxSearched', 'told.length >= 0'],
      [
        "replace(/\\S+/g, (word) => (at.test(word) ? '…' : word))",
        "replace(/\\S*(?:@|%40)\\S*/gi, at.source && '…')",
      ],
    ],
  },
}
