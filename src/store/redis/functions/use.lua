-- Uses a verification that is live, or was when its submission was counted: of many callers one.
-- Keys: records, live; a limiter for each of wrong; the repeat if hasRepeat.
-- Arguments: [2] JSON { id, wrong, consumes, hasRepeat }.
-- Answers: unused, now · used, now, JSON of the record before, which is what `restore` needs.
local function use(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local request = cjson.decode(args[2])
  local text = redis.call('HGET', keys[1], request.id)
  if not text then return { 'unused', now } end
  local record = cjson.decode(text)
  if is_over(record, now) or (record.state ~= live and record.state ~= spent) then return { 'unused', now } end
  if not record.usedAt then record.usedAt = now end
  if request.consumes then
    end_live(keys[1], keys[2], record, used)
  else
    write_record(keys[1], record)
  end
  for i, hit in ipairs(request.wrong) do refund_one(keys[2 + i], hit) end
  if request.hasRepeat then
    redis.call('SET', keys[#keys], '1', 'PX', record.expiresAt - now, 'NX')
  end
  return { 'used', now, text }
end

-- Undoes a use whose consequence did not come about.
-- Keys: records, live. Arguments: [2] id · [3] state before · [4] usedAt before, or nothing.
-- Answers: done, now.
local function restore(keys, args)
  local now = clock()
  local record = read_record(keys[1], args[2])
  if record and record.state == used then
    record.usedAt = tonumber(args[4])
    record.state = tonumber(args[3])
    -- Another was issued meanwhile: this one may be used by who counted its submission, and by no other.
    if record.state == live and redis.call('HSETNX', keys[2], record.digest, record.id) == 0 then
      record.state = spent
    end
    write_record(keys[1], record)
  end
  return { 'done', now }
end

-- Ends live verifications unused.
-- Keys: records, live. Arguments: [2] JSON, a list of ids. Answers: done, now.
local function cancel(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  for _, id in ipairs(cjson.decode(args[2])) do
    local record = read_record(keys[1], id)
    if record and record.state == live then
      end_live(keys[1], keys[2], record, dead)
    end
  end
  return { 'done', now }
end
