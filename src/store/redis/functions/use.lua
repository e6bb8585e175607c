-- Uses verifications that are live, or were when their submissions were counted: of many callers one each.
-- Keys: records, live; then of each use: a limiter for each hit to refund, and its repeat if it names one.
-- Arguments: of each use five: not after · id · c if it is used up · the times of the hits to refund, by commas ·
--   r if it names a repeat.
-- Answers: done, now, and of each use two: late · unused · used, JSON of the record before, which `restore` needs.
local function use(keys, args)
  local now = clock()
  local key = 3
  local unit, limiters = open_verifications(keys[1], keys[2]), open_limiters()
  local answer = { 'done', now }
  local repeats = {}
  for first = 1, #args, 5 do
    local not_after, id, consumes, refunded, names_repeat = unpack(args, first, first + 4)
    local is_too_late = is_late(not_after, now)
    local record = not is_too_late and find_record(unit, id)
    local is_usable = record and not is_over(record, now) and (record.state == live or record.state == spent)
    answer[#answer + 1] = is_too_late and 'late' or is_usable and 'used' or 'unused'
    answer[#answer + 1] = is_usable and text_of(record) or ''
    for at in string.gmatch(refunded, '%d+') do
      if is_usable then refund_one(limiters, keys[key], { form = 'events', at = tonumber(at) }) end
      key = key + 1
    end
    if names_repeat ~= '' then
      if is_usable then repeats[keys[key]] = record.expiresAt - now end
      key = key + 1
    end
    if is_usable then
      record.usedAt = record.usedAt or now
      change_record(unit, record)
      if consumes ~= '' then end_live(unit, record, used) end
    end
  end
  write_limiters(limiters)
  write_verifications(unit)
  for fingerprint, ms in pairs(repeats) do redis.call('SET', fingerprint, '1', 'PX', ms, 'NX') end
  return answer
end

-- Undoes a use whose consequence did not come about. No time is too late for it.
-- Keys: records, live. Arguments: [2] id · [3] state before · [4] usedAt before, or nothing.
-- Answers: done, now.
local function restore(keys, args)
  local now = clock()
  local unit = open_verifications(keys[1], keys[2])
  local record = find_record(unit, args[2])
  if record and record.state == used then
    record.usedAt = tonumber(args[4])
    record.state = tonumber(args[3])
    change_record(unit, record)
    if record.state == live then
      if not live_id(unit, record.digest) then
        set_live(unit, record.digest, record.id)
      else
        -- Another was issued meanwhile: this one may be used by who counted its submission, and by no other.
        record.state = spent
      end
    end
    write_verifications(unit)
  end
  return { 'done', now }
end

-- Ends live verifications unused.
-- Keys: records, live. Arguments: [2] JSON, a list of ids. Answers: done, now.
local function cancel(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local unit = open_verifications(keys[1], keys[2])
  for _, id in ipairs(cjson.decode(args[2])) do
    local record = find_record(unit, id)
    if record and record.state == live then end_live(unit, record, dead) end
  end
  write_verifications(unit)
  return { 'done', now }
end
