-- Issues verifications and queues their messages.
-- Keys: records, live, ends, bodies, entries, due, waiting, events, event_count; then of each issue: a limiter for each of its limits,
--   the set of its member's verifications if that lies here, its once if it has one, and what its app has asked for if that is
--   listed.
-- Arguments: lists of limits, see read_lists; then of each issue thirteen:
--   not after · number of its list of limits · tags, see acquire_all · digest of its key · id ·
--   the part of the record that never changes, as JSON without its first brace · lifetime in ms ·
--   id of the message, or nothing · the message, as it is kept · the part of the entry that is the caller's, likewise ·
--   ms of the caller's lease · ms to keep the member's set, or nothing if that lies elsewhere · options:
--   max, a live one with so many submissions is spent · held, the verification waits for `solve` · resend, only if the one
--   with the id is live · quiet, if one is live for the key it is kept so many ms after its issue, and if gaps refuse ·
--   refused, `rule:ms` of a refusal elsewhere, so that no limit is hit here · once, its fingerprint · asked, it is listed.
-- Answers: done, now, and of each issue two: late · replayed, JSON · mismatch · throttled, JSON of the refusal, or nothing
--   if it is only elsewhere · issued · live, JSON of the record · both with quiet or resend as JSON { sendAfterMs, record }
--   · kept, JSON { retryAfterMs, record } · ended, JSON of the record · unknown.

-- What a function adds to messages on their way, see claim.lua.
local function open_messages(bodies, entries, due, waiting)
  return { bodies = { bodies }, entries = { entries }, due = { due }, waiting = { waiting } }
end

local function queue_message(messages, record, now, message, body, of_caller, lease_ms)
  local entry = string.format('%d:%s', now, message)
  local bodies, entries, due, waiting = messages.bodies, messages.entries, messages.due, messages.waiting
  bodies[#bodies + 1] = entry
  bodies[#bodies + 1] = body
  entries[#entries + 1] = entry
  entries[#entries + 1] = string.format('{"verification":"%s","deadlineAt":%d,%s', record.id, record.expiresAt, of_caller)
  due[#due + 1] = string.format('%d', now + lease_ms)
  due[#due + 1] = entry
  waiting[#waiting + 1] = string.format('%d', now)
  waiting[#waiting + 1] = entry
end

local function write_messages(messages)
  call_with('HSET', messages.bodies)
  call_with('HSET', messages.entries)
  call_with('ZADD', messages.due)
  call_with('ZADD', messages.waiting)
end

-- The rule and the ms, as text, of the longer of two refusals, of which there is one at least.
local function longest_wait(refusal, refused)
  local rule, wait
  if refused then rule, wait = string.match(refused, '^(%a+):(%S+)$') end
  if refusal and (not wait or refusal.retryAfterMs > tonumber(wait)) then
    return refusal.rule, cjson.encode(refusal.retryAfterMs)
  end
  return rule, wait
end

local function kept(record, wait)
  local more = '"retryAfterMs":' .. wait
  return 'kept', '{' .. more .. ',"record":' .. text_of(record) .. '}', record, more
end

-- Until gaps of the limits, which have just got their hits, allow the next message: gapMsOf of src/throttle/gap.ts once more.
local function gap_ms(limiters, keys, first, limits, now)
  local longest = 0
  for i, limit in ipairs(limits) do
    for _, rule in ipairs(limit.rules) do
      if rule.kind == 'gaps' then
        longest = math.max(longest, wait_ms(state_of(limiters, keys[first + i - 1]), rule, now, 0))
      end
    end
  end
  return longest
end

-- What an app has asked for: ids in their order, which is that of time. They leave it with their records; those whose records
-- were lost, after this time, a few with each issue.
local asked_ms = 5400000

local function write_asked(asked, now)
  for key, more in pairs(asked) do
    call_with('ZADD', more)
    local lost = { key }
    local oldest = string.format('(%012x', now - asked_ms)
    for _, id in ipairs(redis.call('ZRANGE', key, '-', oldest, 'BYLEX', 'LIMIT', 0, 64)) do lost[#lost + 1] = id end
    call_with('ZREM', lost)
    redis.call('PEXPIRE', key, asked_ms)
  end
end

local function issue(keys, args)
  local now = clock()
  local lists, at = read_lists(args)
  local key = 10
  local unit = open_verifications(keys[1], keys[2], open_events(keys[8], keys[9]))
  local limiters, onces = open_limiters(), open_onces()
  local messages = open_messages(keys[4], keys[5], keys[6], keys[7])
  local ends, sets, asked = { keys[3] }, {}, {}
  local answer = { 'done', now }
  local function reply(kind, text)
    answer[#answer + 1] = kind
    answer[#answer + 1] = text or ''
  end

  -- Returns the kind of the answer, its text, and the verification; with `throttled` nothing is kept of the call.
  local function issue_one(limits, first_limiter, tags, digest, id, rest, lifetime_ms, message, options)
    local known, ended
    local quiet_ms = tonumber(option(options, 'quiet'))
    local resends = has_option(options, 'resend')
    local max = tonumber(option(options, 'max'))
    if resends then
      known, ended = live_by_id(unit, id, now)
      if known then known, ended = enterable(unit, known, max, now) end
      if not known then return ended and 'ended' or 'unknown', ended and text_of(ended) end
    elseif quiet_ms then
      known = enterable(unit, live_record(unit, digest, now), max, now)
    end
    if quiet_ms and known and now - known.issuedAt < quiet_ms then return kept(known, 'null') end
    local refused = option(options, 'refused')
    local refusal = acquire_all(limiters, keys, first_limiter, limits, tags, now, refused)
    if refusal or refused then
      local rule, wait = longest_wait(refusal, refused)
      if quiet_ms and known and rule == 'gaps' then return kept(known, wait) end
      return 'throttled', refusal and cjson.encode(refusal)
    end
    local more = (quiet_ms or resends)
      and '"sendAfterMs":' .. cjson.encode(gap_ms(limiters, keys, first_limiter, limits, now))
    local record = known or enterable(unit, live_record(unit, digest, now), max, now)
    if record then
      if message ~= '' then
        record.messages = record.messages + 1
        change_record(unit, record)
      end
      local text = text_of(record)
      return 'live', more and '{' .. more .. ',"record":' .. text .. '}' or text, record, more
    end
    local is_held = has_option(options, 'held')
    record = { id = id, state = is_held and held or live, submissions = 0, messages = message == '' and 0 or 1,
      issuedAt = now, expiresAt = now + lifetime_ms, digest = digest, rest = ',' .. rest }
    change_record(unit, record)
    tell(unit, 'verification.created', record, now)
    if not is_held then set_live(unit, digest, id) end
    ends[#ends + 1] = string.format('%d', record.expiresAt)
    ends[#ends + 1] = id
    return 'issued', more and '{' .. more .. '}', record, more
  end

  for first = at, #args, 13 do
    local not_after, list, tags, digest, id, rest, lifetime_ms, message, body, of_caller, lease_ms, set_ms, options =
      unpack(args, first, first + 12)
    local limits = lists[tonumber(list)]
    local first_limiter = key
    key = key + #limits
    local set = set_ms ~= '' and keys[key]
    if set then key = key + 1 end
    local fingerprint = option(options, 'once')
    local once = fingerprint and keys[key]
    if once then key = key + 1 end
    local list_of_app = has_option(options, 'asked') and keys[key]
    if list_of_app then key = key + 1 end
    if is_late(not_after, now) then
      reply('late')
    else
      local kind, text, record, more
      if once then kind, text = replay_of(onces, once, fingerprint) end
      if not kind then
        kind, text, record, more = issue_one(limits, first_limiter, tags, digest, id, rest, lifetime_ms, message, options)
      end
      reply(kind, text)
      if record then
        if once then
          keep_call(onces, once, fingerprint, kept_result(kind, now, record.id, record, more and ',' .. more))
        end
        if kind ~= 'kept' and message ~= '' then
          queue_message(messages, record, now, message, body, of_caller, lease_ms)
        end
        if kind == 'issued' and list_of_app then
          local more = asked[list_of_app] or { list_of_app }
          asked[list_of_app] = more
          more[#more + 1] = '0'
          more[#more + 1] = id
        end
        if kind ~= 'kept' and set then
          sets[set] = sets[set] or { ms = set_ms }
          table.insert(sets[set], record.id)
        end
      end
    end
  end
  write_limiters(limiters)
  write_verifications(unit)
  write_onces(onces)
  call_with('ZADD', ends)
  write_messages(messages)
  write_asked(asked, now)
  for set, ids in pairs(sets) do
    redis.call('SADD', set, unpack(ids))
    redis.call('PEXPIRE', set, ids.ms)
  end
  return answer
end

-- Makes a held verification live, and queues its message: the verb solve of src/store/verbs once more.
-- Keys: records, live, ends, bodies, entries, due, waiting, events, event_count; then its once if it has one.
-- Arguments: [2] id · [3] lifetime in ms · [4] id of the message, or nothing · [5] the message · [6] the part of the entry
-- that is the caller's · [7] ms of the caller's lease · [8] options: once, its fingerprint.
-- Answers: late · replayed, now, JSON · mismatch · sent, now, JSON of the record · ended, likewise · unknown.
local function solve(keys, args)
  local now = clock()
  local not_after, id, lifetime_ms, message, body, of_caller, lease_ms, options = unpack(args)
  if is_late(not_after, now) then return { 'late', now } end
  local unit, onces = open_verifications(keys[1], keys[2], open_events(keys[8], keys[9])), open_onces()
  local fingerprint = option(options, 'once')
  local kind, text
  if fingerprint then kind, text = replay_of(onces, keys[10], fingerprint) end
  if kind then return { kind, now, text } end
  local record = find_record(unit, id)
  if not record or record.state ~= held or is_over(record, now) then
    return { record and 'ended' or 'unknown', now, record and text_of(record) or '' }
  end
  local other = live_record(unit, record.digest, now)
  if other then
    tell(unit, 'verification.cancelled', other, now, ',"reason":"replaced"')
    end_live(unit, other, cancelled)
  end
  record.state, record.issuedAt, record.expiresAt = live, now, now + lifetime_ms
  change_record(unit, record)
  set_live(unit, record.digest, id)
  if message ~= '' then
    local messages = open_messages(keys[4], keys[5], keys[6], keys[7])
    record.messages = record.messages + 1
    queue_message(messages, record, now, message, body, of_caller, lease_ms)
    write_messages(messages)
  end
  if fingerprint then keep_call(onces, keys[10], fingerprint, kept_result('sent', now, id, record)) end
  write_verifications(unit)
  write_onces(onces)
  redis.call('ZADD', keys[3], string.format('%d', record.expiresAt), id)
  return { 'sent', now, text_of(record) }
end
