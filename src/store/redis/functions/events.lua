-- Events wait here until they are in the history: JSON by its number in the sorted set `events`, numbered by `event_count`.

local function open_events(events, count)
  return { events = events, count = count, added = {} }
end

-- Of the id of a verification 128 bits are random, so nobody can guess that of its event.
local function event_id(time, verification, type, nth)
  return string.format('%012x', time) .. string.sub(redis.sha1hex(verification .. type .. nth), 1, 32)
end

-- verification: its id. fields: JSON of fields that say more. id: absent for a new one.
local function put_event(unit, type, verification, now, fields, id)
  unit.nth = (unit.nth or tonumber(redis.call('GET', unit.count) or 0)) + 1
  id = id or event_id(now, verification, type, unit.nth)
  unit.added[#unit.added + 1] = string.format('%d', unit.nth)
  unit.added[#unit.added + 1] = string.format('{"id":"%s","at":%d,"type":"%s",%s}', id, now, type, fields)
end

local function write_events(unit)
  if #unit.added == 0 then return end
  redis.call('ZADD', unit.events, unpack(unit.added))
  redis.call('SET', unit.count, string.format('%d', unit.nth))
end

-- Adds events that are no part of another function.
-- Keys: events, event_count. Arguments: [1] not after; then of each event three: its type · its verification · the event as
-- JSON. Answers: done, now.
local function add_events(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local unit = open_events(keys[1], keys[2])
  for first = 2, #args, 3 do
    put_event(unit, args[first], args[first + 1], now, '"event":' .. args[first + 2])
  end
  write_events(unit)
  return { 'done', now }
end
