-- Proofs: of each member a hash of the logins in which a present contact was proved, with the time each proof ends.

-- Keys: the hash of the member. Arguments: [2] login · [3] ms. Answers: done, now.
local function put_proof(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local lasts = tonumber(args[3])
  redis.call('HSET', keys[1], args[2], now + lasts)
  redis.call('PEXPIRE', keys[1], math.max(lasts, redis.call('PTTL', keys[1])))
  return { 'done', now }
end

-- Keys: the hash of the member. Arguments: [2] login. Answers: done, now, 1 if the login has a proof, else 0.
local function has_proof(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local ends = tonumber(redis.call('HGET', keys[1], args[2]) or 0)
  return { 'done', now, ends > now and 1 or 0 }
end
