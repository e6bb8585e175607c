-- Hits on limiters that do not lie with the record: made before the record is touched, and undone if another limit
-- refuses.

-- Keys: of each call a limiter for each of its limits, and the set of its member's verifications if an id is given.
-- Arguments: lists of limits, see read_lists; then of each call five: not after · number of its list of limits · tags,
--   see acquire_all · an id to put into the set, or nothing · ms to keep the set.
-- Answers: done, now, and of each call two: late · throttled, JSON of the refusal · acquired, for each limit what
--   refund_one needs as `before`, by commas.
local function reserve(keys, args)
  local now = clock()
  local lists, at = read_lists(args)
  local key = 1
  local limiters = open_limiters()
  local answer = { 'done', now }
  for first = at, #args, 5 do
    local not_after, list, tags, id, set_ms = unpack(args, first, first + 4)
    local limits = lists[tonumber(list)]
    local first_limiter = key
    key = key + #limits
    local set = id ~= '' and keys[key]
    if set then key = key + 1 end
    local kind, text = 'late', ''
    if not is_late(not_after, now) then
      local refusal, befores = acquire_all(limiters, keys, first_limiter, limits, tags, now)
      kind = refusal and 'throttled' or 'acquired'
      text = refusal and cjson.encode(refusal) or table.concat(befores, ',')
      if set and not refusal then
        redis.call('SADD', set, id)
        redis.call('PEXPIRE', set, set_ms)
      end
    end
    answer[#answer + 1] = kind
    answer[#answer + 1] = text
  end
  write_limiters(limiters)
  return answer
end

-- Refunds hits. No time is too late for it: a hit that is not refunded counts against somebody for nothing.
-- Keys: the limiter of each hit; then the set of the member's verifications, if an id is given.
-- Arguments: [2] JSON, a list of hits, see refund_one · [3] id to take out of the set, or nothing. Answers: done, now.
local function refund(keys, args)
  local limiters = open_limiters()
  for i, hit in ipairs(cjson.decode(args[2])) do refund_one(limiters, keys[i], hit) end
  write_limiters(limiters)
  if args[3] ~= '' then redis.call('SREM', keys[#keys], args[3]) end
  return { 'done', clock() }
end
