-- What becomes of messages after a dispatch, or after a receipt. Their keys are described in claim.lua.

-- Whether nothing follows from a settlement, because it was received before, and only its answer was lost; or because the
-- message was claimed again since: isOvertaken of src/store/verbs/settle.ts once more.
local function is_overtaken(state, nth, next_step)
  local is_theirs = next_step == 'retry' or next_step == 'failed'
  return nth == state.settled or (is_theirs and nth < state.dispatches)
end

-- isUntaken of src/message/outbox-entry.ts once more.
local function is_untaken(state, nth, outcome)
  if outcome == 'accepted' or outcome == 'unknown' then return false end
  if state.unknowns > 0 or state.second then return false end
  return #(state.tried or {}) == nth - 1
end

-- One message less names the record.
local function drop_message(unit, id)
  local record = find_record(unit, id)
  if record then
    record.messages = math.max(0, record.messages - 1)
    change_record(unit, record)
  end
end

-- The last acceptance brought the code.
local function note_acceptance(unit, id, accepted)
  local record = find_record(unit, id)
  if not record then return end
  local function time_of(text) return tonumber(string.match(text, '"acceptedAt":(%d+)')) end
  if record.broughtBy and time_of(record.broughtBy) > time_of(accepted) then return end
  record.broughtBy = accepted
  change_record(unit, record)
end

-- Keys: bodies, entries, due, waiting, records, dispatched, events, event_count; then the limiters that settlements name.
-- Arguments: [1] not after; then of each settlement twelve: the message · number of the claim that settles it · number of
--   the claim it failed by · next · outcome · provider · its verification · broughtBy of the record if it was accepted,
--   as JSON, else nothing · for all but `done` JSON { afterMs, channel, at, limiters }, where limiters are numbers of keys ·
--   name of the dispatch · the dispatch as JSON, or nothing if the history has it · 1 if somebody reads its events.
-- Dispatches wait in the hash `dispatched` until they are in the history: 0 and the JSON, or 1 and the JSON if the message
-- had been settled before. A settlement that is received twice changes no dispatch.
-- Answers: settled, now, and of each settlement 1 if the message had been settled before, else 0.
local function settle(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local unit, limiters = open_verifications(keys[5]), open_limiters()
  local events = open_events(keys[7], keys[8])
  local bodies, due, waiting, dispatched = { keys[1] }, { keys[3] }, { keys[4] }, { keys[6] }
  local answer = { 'settled', now }

  local function leave(entry, verification)
    bodies[#bodies + 1] = entry
    due[#due + 1] = entry
    waiting[#waiting + 1] = entry
    drop_message(unit, verification)
  end

  local function try_again(entry, state, nth, provider, outcome, details)
    state.settled = nth
    state.owner = ''
    state.handing = nil
    state.tried = state.tried or {}
    state.tried[#state.tried + 1] = provider
    if details.channel then
      state.second = details.channel
      redis.call('ZREM', keys[4], entry)
    elseif outcome == 'unknown' then
      state.unknowns = state.unknowns + 1
    end
    redis.call('HSET', keys[2], entry, cjson.encode(state))
    redis.call('ZADD', keys[3], now + details.afterMs, entry)
  end

  -- Returns whether the message had been settled before; and of one that has failed whether it went by its second channel.
  local function settle_one(entry, nth, failed_by, next_step, outcome, provider, verification, details)
    if next_step == 'done' then
      if redis.call('HDEL', keys[2], entry) == 0 then return true end
      leave(entry, verification)
      return false
    end
    local text = redis.call('HGET', keys[2], entry)
    if not text then return true end
    local state = cjson.decode(text)
    local overtaken = is_overtaken(state, nth, next_step)
    details = cjson.decode(details)
    if next_step ~= 'failed' then
      if not overtaken then try_again(entry, state, nth, provider, outcome, details) end
      return false
    end
    if overtaken then return true end
    if is_untaken(state, failed_by, outcome) then
      -- Nothing reached the address, so asking again at once is fair.
      for _, key in ipairs(details.limiters) do
        refund_one(limiters, keys[key], { form = 'events', at = details.at })
      end
    end
    redis.call('HDEL', keys[2], entry)
    leave(entry, verification)
    return false, state.second ~= nil
  end

  for first = 2, #args, 12 do
    local entry, nth, failed_by, next_step, outcome, provider, verification, accepted, details, name,
      dispatch, is_told = unpack(args, first, first + 11)
    local told_as = is_told ~= '' and '"dispatch":' .. dispatch
    if told_as and outcome == 'accepted' then put_event(events, 'verification.sent', verification, now, told_as) end
    local was_settled, is_second = settle_one(entry, tonumber(nth), tonumber(failed_by), next_step, outcome, provider,
      verification, details)
    if told_as and next_step == 'failed' and not was_settled and not is_second then
      put_event(events, 'verification.undeliverable', verification, now, told_as)
    end
    if accepted ~= '' then note_acceptance(unit, verification, accepted) end
    if dispatch ~= '' then
      if was_settled then
        redis.call('HSETNX', keys[6], name, '1' .. dispatch)
      else
        dispatched[#dispatched + 1] = name
        dispatched[#dispatched + 1] = '0' .. dispatch
      end
    end
    answer[#answer + 1] = was_settled and 1 or 0
  end
  call_with('HDEL', bodies)
  call_with('ZREM', due)
  call_with('ZREM', waiting)
  call_with('HSET', dispatched)
  write_events(events)
  write_limiters(limiters)
  write_verifications(unit)
  return answer
end

-- Ends waits for a second channel, or makes the second due at once; only of messages that nobody is handing over. A
-- step of a plan whose second ends in ! comes also after a delivery.
-- Keys: bodies, entries, due, records. Arguments: [2] JSON, a list of { entry, isDelivered }. Answers: done, now.
local function end_waits(keys, args)
  local now = clock()
  local unit = open_verifications(keys[4])
  for _, one in ipairs(cjson.decode(args[2])) do
    local text = redis.call('HGET', keys[2], one.entry)
    local state = text and cjson.decode(text)
    if state and state.second and state.owner == '' then
      if one.isDelivered and string.sub(state.second, -1) == '!' then
        -- goes on unless the code is used
      elseif one.isDelivered then
        redis.call('HDEL', keys[1], one.entry)
        redis.call('HDEL', keys[2], one.entry)
        redis.call('ZREM', keys[3], one.entry)
        drop_message(unit, state.verification)
      else
        redis.call('ZADD', keys[3], 'LT', now, one.entry)
      end
    end
  end
  write_verifications(unit)
  return { 'done', now }
end

-- Makes the next step of a live verification's plan due now: the verb hasten of src/store/verbs once more.
-- Keys: records, live, events, event_count, entries, due; then its once if it has one.
-- Arguments: [2] id · [3] entry · [4] options: max, see issue.lua · once, its fingerprint.
-- Answers: late · replayed, now, JSON · mismatch · hastened, now, JSON { second, record } · none · ended, now, JSON of the
-- record · unknown.
local function hasten(keys, args)
  local now = clock()
  local not_after, id, entry, options = unpack(args)
  if is_late(not_after, now) then return { 'late', now } end
  local unit, onces = open_verifications(keys[1], keys[2], open_events(keys[3], keys[4])), open_onces()
  local fingerprint = option(options, 'once')
  local kind, text
  if fingerprint then kind, text = replay_of(onces, keys[7], fingerprint) end
  if kind then return { kind, now, text } end
  local record, ended = live_by_id(unit, id, now)
  if record then record, ended = enterable(unit, record, tonumber(option(options, 'max')), now) end
  write_verifications(unit)
  if not record then return { ended and 'ended' or 'unknown', now, ended and text_of(ended) or '' } end
  local found = redis.call('HGET', keys[5], entry)
  local state = found and cjson.decode(found)
  if not state or not state.second or state.owner ~= '' then return { 'none', now, '' } end
  redis.call('ZADD', keys[6], 'LT', now, entry)
  local second = '"second":' .. cjson.encode(state.second)
  if fingerprint then
    keep_call(onces, keys[7], fingerprint, kept_result('hastened', now, id, record, ',' .. second))
    write_onces(onces)
  end
  return { 'hastened', now, '{' .. second .. ',"record":' .. text_of(record) .. '}' }
end
