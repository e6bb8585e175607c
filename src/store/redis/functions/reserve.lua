-- Takes from limiters that do not lie with the record: beforehand, to be given back if another refuses.
-- Keys: the limiter of each limit; then the set of the member's verifications, if id.
-- Arguments: [2] JSON { limits, id, lastsMs }.
-- Answers: throttled, now, JSON of the refusal · taken, now, and for each limit what refund must know.
local function reserve(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local request = cjson.decode(args[2])
  local refusal, befores = acquire_all(keys, 1, request.limits, now, false)
  if refusal then return { 'throttled', now, cjson.encode(refusal) } end
  if request.id then
    redis.call('SADD', keys[#keys], request.id)
    redis.call('PEXPIRE', keys[#keys], request.lastsMs)
  end
  local answer = { 'taken', now }
  for _, before in ipairs(befores) do answer[#answer + 1] = before end
  return answer
end

-- Gives hits back. No time is too late for it: what it leaves undone counts against somebody for nothing.
-- Keys: the limiter of each; then the set of the member's verifications, if id.
-- Arguments: [2] JSON, a list of hits · [3] id to take out of the set, or nothing. Answers: done, now.
local function refund(keys, args)
  for i, hit in ipairs(cjson.decode(args[2])) do refund_one(keys[i], hit) end
  if args[3] ~= '' then redis.call('SREM', keys[#keys], args[3]) end
  return { 'done', clock() }
end

-- Remembers a proof. Keys: the hash of the member's proofs, the end of each by the login that made it.
-- Arguments: [2] login · [3] ms. Answers: done, now.
local function put_proof(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local lasts = tonumber(args[3])
  redis.call('HSET', keys[1], args[2], now + lasts)
  redis.call('PEXPIRE', keys[1], math.max(lasts, redis.call('PTTL', keys[1])))
  return { 'done', now }
end

-- Looks for a proof. Keys: the hash of the member's proofs. Arguments: [2] login.
-- Answers: done, now, 1 if the login has one, else 0.
local function has_proof(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local ends = tonumber(redis.call('HGET', keys[1], args[2]) or 0)
  return { 'done', now, ends > now and 1 or 0 }
end
