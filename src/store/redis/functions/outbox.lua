-- Messages on their way: `bodies` as they were given, `entries` their state as JSON, `due` by the end of the
-- lease or the time to try again, `waiting` by the time they were queued, less those that wait for a second
-- channel. All by `queuedAt:messageId`.

-- Its record, with one message less, is for the caller to write: it may have more to say of it.
local function remove_entry(bodies, entries, due, records, entry, state)
  redis.call('HDEL', bodies, entry)
  redis.call('HDEL', entries, entry)
  redis.call('ZREM', due, entry)
  local record = read_record(records, state.verification)
  if record then record.messages = math.max(0, record.messages - 1) end
  return record
end

-- Claims due messages, oldest first.
-- Keys: bodies, entries, due, records. Arguments: [2] most · [3] owner · [4] ms.
-- Answers: claimed, now, and for each: entry, body, JSON of its state, JSON of its verification or nothing.
local function claim(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local answer = { 'claimed', now }
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', keys[3], '-inf', now, 'LIMIT', 0, args[2])) do
    local text = redis.call('HGET', keys[2], entry)
    if text then
      local state = cjson.decode(text)
      state.owner = args[3]
      state.dispatches = state.dispatches + 1
      text = cjson.encode(state)
      redis.call('HSET', keys[2], entry, text)
      redis.call('ZADD', keys[3], now + args[4], entry)
      answer[#answer + 1] = entry
      answer[#answer + 1] = redis.call('HGET', keys[1], entry)
      answer[#answer + 1] = text
      answer[#answer + 1] = redis.call('HGET', keys[4], state.verification) or ''
    else
      redis.call('ZREM', keys[3], entry)
    end
  end
  return answer
end

-- Whether it goes on by a later word already: told again, as its answer was lost, or in the hands of another owner.
local function is_overtaken(state, one)
  local is_theirs = one.next == 'retry' or one.next == 'failed'
  return one.nth <= (state.settled or 0) or (is_theirs and one.nth < state.dispatches)
end

-- isUntaken of src/store/outbox.ts once more.
local function is_untaken(state, one)
  if one.outcome == 'accepted' or one.outcome == 'unknown' then return false end
  if state.unknowns > 0 or state.second then return false end
  return #(state.tried or {}) == (one.failedBy or one.nth) - 1
end

-- Says what becomes of messages after a dispatch.
-- Keys: bodies, entries, due, waiting, records; then limiters that may be freed.
-- Arguments: [2] JSON, a list of { entry, nth, failedBy, next, afterMs, channel, provider, outcome, verification,
--   accepted, frees, at }: see settle-call.ts; frees: numbers of keys.
-- Answers: settled, now, and for each 1 if it had been settled before, else 0.
local function settle(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local answer = { 'settled', now }
  for _, one in ipairs(cjson.decode(args[2])) do
    local text = redis.call('HGET', keys[2], one.entry)
    local record
    answer[#answer + 1] = text and 0 or 1
    if text then
      local state = cjson.decode(text)
      if one.next == 'retry' or one.next == 'second' then
        if not is_overtaken(state, one) then
          state.settled = one.nth
          state.owner = ''
          state.handing = nil
          state.tried = state.tried or {}
          state.tried[#state.tried + 1] = one.provider
          if one.next == 'second' then
            state.second = one.channel
            redis.call('ZREM', keys[4], one.entry)
          elseif one.outcome == 'unknown' then
            state.unknowns = state.unknowns + 1
          end
          redis.call('HSET', keys[2], one.entry, cjson.encode(state))
          redis.call('ZADD', keys[3], now + one.afterMs, one.entry)
        end
      elseif one.next == 'failed' and is_overtaken(state, one) then
        answer[#answer] = 1
      else
        if one.next == 'failed' and is_untaken(state, one) then
          -- Nothing reached the address, so asking again at once is fair.
          for _, key in ipairs(one.frees) do refund_one(keys[key], { form = 'events', at = one.at }) end
        end
        redis.call('ZREM', keys[4], one.entry)
        record = remove_entry(keys[1], keys[2], keys[3], keys[5], one.entry, state)
      end
    end
    if one.accepted then
      record = record or read_record(keys[5], one.verification)
      if record and not (record.broughtBy and record.broughtBy.acceptedAt > one.accepted.acceptedAt) then
        record.broughtBy = one.accepted
      end
    end
    if record then write_record(keys[5], record) end
  end
  return answer
end

-- Marks messages as being handed over, where the claim is still the one that says so.
-- Keys: entries. Arguments: [2] JSON, a list of { entry, nth, provider }. Answers: begun, now, and for each 1 or 0.
local function begin(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local answer = { 'begun', now }
  for _, one in ipairs(cjson.decode(args[2])) do
    local text = redis.call('HGET', keys[1], one.entry)
    local state = text and cjson.decode(text)
    local is_held = state and state.dispatches == one.nth
    if is_held then
      state.handing = one.provider
      redis.call('HSET', keys[1], one.entry, cjson.encode(state))
    end
    answer[#answer + 1] = is_held and 1 or 0
  end
  return answer
end

-- Gives claimed messages back untried.
-- Keys: entries, due. Arguments: [2] JSON, a list of entries · [3] ms until they are due. Answers: done, now.
local function postpone(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  for _, entry in ipairs(cjson.decode(args[2])) do
    local text = redis.call('HGET', keys[1], entry)
    if text then
      local state = cjson.decode(text)
      state.owner = ''
      state.handing = nil
      state.dispatches = state.dispatches - 1
      redis.call('HSET', keys[1], entry, cjson.encode(state))
      redis.call('ZADD', keys[2], now + args[3], entry)
    end
  end
  return { 'done', now }
end

-- Ends the leases of an owner, a piece of the entries at a time.
-- Keys: entries, due. Arguments: [2] owner · [3] cursor, 0 at first. Answers: done, now, the next cursor.
local function release(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local scanned = redis.call('HSCAN', keys[1], args[3], 'COUNT', 1000)
  for i = 1, #scanned[2], 2 do
    local state = cjson.decode(scanned[2][i + 1])
    if state.owner == args[2] then
      state.owner = ''
      redis.call('HSET', keys[1], scanned[2][i], cjson.encode(state))
      redis.call('ZADD', keys[2], 'LT', now, scanned[2][i])
    end
  end
  return { 'done', now, scanned[1] }
end

-- Ends waits for a second channel, or makes the second due at once; only where nobody is handing over right now.
-- Keys: bodies, entries, due, records. Arguments: [2] JSON, a list of { entry, isDelivered }. Answers: done, now.
local function end_waits(keys, args)
  local now = clock()
  for _, one in ipairs(cjson.decode(args[2])) do
    local text = redis.call('HGET', keys[2], one.entry)
    local state = text and cjson.decode(text)
    if state and state.second and state.owner == '' then
      if one.isDelivered then
        local record = remove_entry(keys[1], keys[2], keys[3], keys[4], one.entry, state)
        if record then write_record(keys[4], record) end
      else
        redis.call('ZADD', keys[3], 'LT', now, one.entry)
      end
    end
  end
  return { 'done', now }
end
