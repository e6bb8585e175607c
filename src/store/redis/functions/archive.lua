-- Ended verifications move to the history: they are read here, written there, and only then dropped here.

-- Keys: ends, dispatched, events. Answers: behind, now, 1 if a verification has ended, else 0, the number of dispatches, and
-- that of events.
local function behind(keys)
  local now = clock()
  local first = redis.call('ZRANGE', keys[1], 0, 0, 'WITHSCORES')
  local has_ended = first[2] and tonumber(first[2]) <= now and 1 or 0
  return { 'behind', now, has_ended, redis.call('HLEN', keys[2]), redis.call('ZCARD', keys[3]) }
end

-- Keys: ends, records. Arguments: [2] how many at most. Answers: over, now, JSON of each record.
local function over(keys, args)
  local now = clock()
  local answer = { 'over', now }
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', keys[1], '-inf', now, 'LIMIT', 0, args[2])) do
    -- Without this, an id whose record was lost would be returned again and again.
    answer[#answer + 1] = redis.call('HGET', keys[2], id) or cjson.encode({ id = id, isLost = true })
  end
  return answer
end

-- Messages are handled within seconds. Nothing stays here longer than this, even if that fails.
local max_kept_ms = 3600000

-- Keys: ends, records, live. Arguments: [2] JSON, a list of ids · [3] ms to keep one that messages still name.
-- Answers: done, now.
local function archived(keys, args)
  local now = clock()
  local unit = open_verifications(keys[2], keys[3])
  local ended, dropped = { keys[1] }, { keys[2] }
  for _, id in ipairs(cjson.decode(args[2])) do
    local record = find_record(unit, id)
    if record and record.messages > 0 and record.expiresAt > now - max_kept_ms then
      redis.call('ZADD', keys[1], now + args[3], id)
    else
      ended[#ended + 1] = id
      dropped[#dropped + 1] = id
    end
    if record and live_id(unit, record.digest) == id then set_live(unit, record.digest, false) end
  end
  call_with('ZREM', ended)
  call_with('HDEL', dropped)
  write_verifications(unit)
  return { 'done', now }
end

-- Looks through a piece of the records for a text, such as `"app":"…"`; the caller looks closer.
-- Keys: records. Arguments: [2] text · [3] cursor, 0 at first. Answers: found, now, the next cursor, JSON of each.
local function find(keys, args)
  local scanned = redis.call('HSCAN', keys[1], args[3], 'COUNT', 1000)
  local answer = { 'found', clock(), scanned[1] }
  for i = 2, #scanned[2], 2 do
    if string.find(scanned[2][i], args[2], 1, true) then answer[#answer + 1] = scanned[2][i] end
  end
  return answer
end
