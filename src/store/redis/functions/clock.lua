-- The engine's clock, and deadlines by it.
-- A caller that is not answered in time is refused. So each call carries the engine time after which it must have no
-- effect any more (0: no such time), and is answered `late` instead.

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function is_late(not_after, now)
  not_after = tonumber(not_after)
  return not_after > 0 and now > not_after
end

-- Calls a command with a list of arguments, unless the list holds the key alone.
local function call_with(command, list)
  if #list > 1 then redis.call(command, unpack(list)) end
end
