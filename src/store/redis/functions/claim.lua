-- Messages on their way: `bodies` as they were given, `entries` their state as JSON, `due` by the end of the lease or the
-- time to try again, `waiting` by the time they were queued, less those that wait for a second channel. All by
-- `queuedAt:messageId`.

-- Claims due messages, oldest first.
-- Keys: bodies, entries, due, records. Arguments: [2] most · [3] owner · [4] ms.
-- Answers: claimed, now, and for each: entry, body, JSON of its state, JSON of its verification or nothing.
local function claim(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
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

-- Marks messages as being handed over, if the claim is still the last one.
-- Keys: entries. Arguments: [2] JSON, a list of { entry, nth, provider }. Answers: begun, now, and for each 1 or 0.
local function begin(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
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

-- Puts claimed messages back untried: the claim does not count.
-- Keys: entries, due. Arguments: [2] JSON, a list of entries · [3] ms until they are due. Answers: done, now.
local function postpone(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
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
  if is_late(args[1], now) then return { 'late', now } end
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
