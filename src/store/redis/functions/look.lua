-- Reads limiters without a hit.
-- Keys: the limiters. Answers: done, now, JSON of each; one that is not there is {}.
local function look(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local answer = { 'done', now }
  for _, key in ipairs(keys) do answer[#answer + 1] = cjson.encode(read_limiter(key)) end
  return answer
end
