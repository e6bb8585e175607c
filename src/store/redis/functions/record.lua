-- What all functions share: the clock, and verifications as they lie in the hash `records`, JSON by id.
-- Every function takes first the engine time after which it must do nothing, for then its caller has been
-- told so (0: no such time), and answers { kind, engine time, … }.

local live, used, dead, spent = 0, 1, 2, 4

-- A clock set back must not give a code its life anew: one of a later time than now is over, give or take.
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

-- Ends it for all that look for a live one; who counted a submission before may still use a spent one.
local function end_live(records, lives, record, state)
  record.state = state
  if redis.call('HGET', lives, record.digest) == record.id then
    redis.call('HDEL', lives, record.digest)
  end
  return write_record(records, record)
end
