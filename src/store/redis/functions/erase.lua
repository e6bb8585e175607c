-- Erasing people: what is here of them ends and goes to the history, where it is erased with the rest; their messages go.

-- Looks through a piece of the records for those of people.
-- Keys: records. Arguments: [2] JSON { tenant, names }: subjects and addresses · [3] cursor, 0 at first.
-- Answers: found, now, the next cursor, the id of each.
local function find_people(keys, args)
  local people, wanted = cjson.decode(args[2]), {}
  for _, name in ipairs(people.names) do wanted[name] = true end
  local scanned = redis.call('HSCAN', keys[1], args[3], 'COUNT', 200)
  local answer = { 'found', clock(), scanned[1] }
  for i = 1, #scanned[2], 2 do
    local record = cjson.decode(scanned[2][i + 1])
    if record.tenant == people.tenant and (wanted[record.member] or wanted[record.address]) then
      answer[#answer + 1] = scanned[2][i]
    end
  end
  return answer
end

-- Ends verifications, so that they move to the history at once, and are not kept for messages that name them.
-- Keys: records, live, ends. Arguments: [2] JSON, a list of ids. Answers: done, now.
local function end_at_once(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local unit = open_verifications(keys[1], keys[2])
  for _, id in ipairs(cjson.decode(args[2])) do
    local record = find_record(unit, id)
    if record then
      if record.state == live or record.state == held then end_live(unit, record, dead) end
      record.messages = 0
      change_record(unit, record)
      redis.call('ZADD', keys[3], now, id)
    end
  end
  write_verifications(unit)
  return { 'done', now }
end

-- Drops the messages that name verifications, out of a piece of the messages.
-- Keys: bodies, entries, due, waiting. Arguments: [2] JSON, a list of ids · [3] cursor, 0 at first.
-- Answers: done, now, the next cursor.
local function drop_messages(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local ids = {}
  for _, id in ipairs(cjson.decode(args[2])) do ids[id] = true end
  local scanned = redis.call('HSCAN', keys[2], args[3], 'COUNT', 200)
  for i = 1, #scanned[2], 2 do
    local entry = scanned[2][i]
    if ids[cjson.decode(scanned[2][i + 1]).verification] then
      redis.call('HDEL', keys[1], entry)
      redis.call('HDEL', keys[2], entry)
      redis.call('ZREM', keys[3], entry)
      redis.call('ZREM', keys[4], entry)
    end
  end
  return { 'done', now, scanned[1] }
end
