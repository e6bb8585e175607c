-- Issues a verification and queues its message.
-- Keys: records, live, ends, bodies, entries, due, waiting; then the limiter of each limit; then the set of the
--   member's verifications, if it lies here.
-- Arguments: [2] JSON { limits, digest, record, lifetimeMs, lease, message, lastsMs, hasMember },
--   message: its id, if there is one · [3] the message, as it is kept and given back.
-- Answers: throttled, now, JSON of the refusal · issued or live, now, JSON of the record.
local function issue(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local request = cjson.decode(args[2])
  local refusal = acquire_all(keys, 8, request.limits, now, false)
  if refusal then return { 'throttled', now, cjson.encode(refusal) } end
  local record = live_record(keys[1], keys[2], request.digest, now)
  local kind = 'live'
  if not record then
    kind = 'issued'
    record = request.record
    record.issuedAt = now
    record.expiresAt = now + request.lifetimeMs
    redis.call('HSET', keys[2], request.digest, record.id)
    redis.call('ZADD', keys[3], record.expiresAt, record.id)
  end
  if request.message then
    record.messages = record.messages + 1
    local entry = string.format('%d:%s', now, request.message)
    local state = { verification = record.id, deadlineAt = record.expiresAt, owner = request.lease.owner,
      dispatches = 1, unknowns = 0 }
    redis.call('HSET', keys[4], entry, args[3])
    redis.call('HSET', keys[5], entry, cjson.encode(state))
    redis.call('ZADD', keys[6], now + request.lease.ms, entry)
    redis.call('ZADD', keys[7], now, entry)
  end
  if request.hasMember then
    redis.call('SADD', keys[#keys], record.id)
    redis.call('PEXPIRE', keys[#keys], request.lastsMs)
  end
  return { kind, now, write_record(keys[1], record) }
end
