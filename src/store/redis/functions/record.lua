-- What all functions share: the clock, and verifications as they lie in the hash `records`, JSON by id.
-- The first argument of every function is the engine time after which it must do nothing, because its caller has been
-- refused by then (0: no such time). Every function answers { kind, engine time, … }.

local live, used, dead, spent = 0, 1, 2, 4

-- A clock that was set back must not lengthen a code's life: a code issued later than now, give or take, has ended.
local clock_slack_ms = 2000

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function is_late(args, now)
  local not_after = tonumber(args[1])
  return not_after > 0 and now > not_after
end

local function is_over(record, now)
  return record.expiresAt <= now or record.issuedAt > now + clock_slack_ms
end

local function read_record(records, id)
  local text = redis.call('HGET', records, id)
  if text then return cjson.decode(text) end
  return nil
end

local function write_record(records, record)
  local text = cjson.encode(record)
  redis.call('HSET', records, record.id, text)
  return text
end

-- The live verification of a key, by the key's digest.
local function live_record(records, lives, digest, now)
  local id = redis.call('HGET', lives, digest)
  if not id then return nil end
  local record = read_record(records, id)
  if record and not is_over(record, now) then return record end
  redis.call('HDEL', lives, digest)
  return nil
end

-- Ends a verification: it is not found as live any more. A submission counted before may still use a spent one.
local function end_live(records, lives, record, state)
  record.state = state
  if redis.call('HGET', lives, record.digest) == record.id then
    redis.call('HDEL', lives, record.digest)
  end
  return write_record(records, record)
end
