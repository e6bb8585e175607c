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

-- Keys: ends, records, live; then what apps have asked for, see issue.lua. Arguments: [2] JSON, a list of ids · [3] ms to keep one
-- that messages still name · [4] JSON, for each id the number of its app's list among those keys, or 0.
-- Answers: done, now.
local function archived(keys, args)
  local now = clock()
  local unit = open_verifications(keys[2], keys[3])
  local ended, dropped, unlisted = { keys[1] }, { keys[2] }, {}
  local lists = cjson.decode(args[4])
  for nth, id in ipairs(cjson.decode(args[2])) do
    local record = find_record(unit, id)
    if record and record.messages > 0 and record.expiresAt > now - max_kept_ms then
      redis.call('ZADD', keys[1], now + args[3], id)
    else
      ended[#ended + 1] = id
      dropped[#dropped + 1] = id
      local list = keys[3 + lists[nth]]
      if lists[nth] > 0 then
        unlisted[list] = unlisted[list] or { list }
        table.insert(unlisted[list], id)
      end
    end
    if record and live_id(unit, record.digest) == id then set_live(unit, record.digest, false) end
  end
  call_with('ZREM', ended)
  call_with('HDEL', dropped)
  for _, ids in pairs(unlisted) do call_with('ZREM', ids) end
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

-- A piece of what an app has asked for, the newest first.
-- Keys: the app's list, records. Arguments: [2] the id before which it begins · [3] the most ids that are looked at ·
-- [4] a text that a record must have, or nothing; the caller looks closer.
-- Answers: found, now, the last id that was looked at if there may be more, or nothing, JSON of each.
local function asked(keys, args)
  local ids = redis.call('ZRANGE', keys[1], '(' .. args[2], '-', 'BYLEX', 'REV', 'LIMIT', 0, args[3])
  local answer = { 'found', clock(), #ids == tonumber(args[3]) and ids[#ids] or '' }
  for _, id in ipairs(ids) do
    local text = redis.call('HGET', keys[2], id)
    if text and (args[4] == '' or string.find(text, args[4], 1, true)) then answer[#answer + 1] = text end
  end
  return answer
end
