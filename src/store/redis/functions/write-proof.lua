-- Proves that the node takes writes. Keys: proof. Answers: done, now.
local function prove(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  redis.call('SET', keys[1], now, 'PX', 60000)
  return { 'done', now }
end
