-- Uses verifications that are live, or were when their submissions were counted: of many callers one each.
-- Keys: records, live, events, event_count; then of each use: a limiter for each hit to refund, its repeat if it names one, and its once if it
--   has one.
-- Arguments: of each use six: not after · id · c if it is used up · the times of the hits to refund, by commas ·
--   r if it names a repeat · options: once, its fingerprint · untold,
--   its event is told elsewhere.
-- Answers: done, now, and of each use two: late · replayed, JSON · mismatch · unused · used, JSON of the record before, which `restore` needs.
local function use(keys, args)
  local now = clock()
  local key = 5
  local unit = open_verifications(keys[1], keys[2], open_events(keys[3], keys[4]))
  local limiters, onces = open_limiters(), open_onces()
  local answer = { 'done', now }
  local repeats = {}
  for first = 1, #args, 6 do
    local not_after, id, consumes, refunded, names_repeat, options = unpack(args, first, first + 5)
    local is_too_late = is_late(not_after, now)
    local fingerprint = option(options, 'once')
    local once = fingerprint and keys[key + count_of(refunded) + (names_repeat ~= '' and 1 or 0)]
    local kind, text
    if once and not is_too_late then kind, text = replay_of(onces, once, fingerprint) end
    local record = not kind and not is_too_late and find_record(unit, id)
    local is_usable = record and not is_over(record, now) and (record.state == live or record.state == spent)
    answer[#answer + 1] = kind or is_too_late and 'late' or is_usable and 'used' or 'unused'
    answer[#answer + 1] = text or is_usable and text_of(record) or ''
    for at in string.gmatch(refunded, '%d+') do
      if is_usable then refund_one(limiters, keys[key], { form = 'events', at = tonumber(at) }) end
      key = key + 1
    end
    if names_repeat ~= '' then
      if is_usable then repeats[keys[key]] = record.expiresAt - now end
      key = key + 1
    end
    if once then
      key = key + 1
      if is_usable then
        keep_call(onces, once, fingerprint, string.format(
          '{"isFirst":%s,"issuedAt":%d,"usedAt":%d,"broughtBy":%s}', record.usedAt and 'false' or 'true',
          record.issuedAt, now, record.broughtBy or 'null'))
      end
    end
    if is_usable then
      if consumes ~= '' and not has_option(options, 'untold') then tell(unit, 'verification.used', record, now) end
      record.usedAt = record.usedAt or now
      change_record(unit, record)
      if consumes ~= '' then end_live(unit, record, used) end
    end
  end
  write_limiters(limiters)
  write_verifications(unit)
  write_onces(onces)
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

-- Ends a verification unused, for its caller: the verb cancel of src/store/verbs once more.
-- Keys: records, live, events, event_count; then its once if it has one. Arguments: [2] id · [3] options: once, its fingerprint.
-- Answers: late · replayed, now, JSON · mismatch · cancelled, now, JSON of the record · ended, likewise · unknown.
local function cancel(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local unit, onces = open_verifications(keys[1], keys[2], open_events(keys[3], keys[4])), open_onces()
  local id, fingerprint = args[2], option(args[3], 'once')
  local kind, text
  if fingerprint then kind, text = replay_of(onces, keys[5], fingerprint) end
  if kind then return { kind, now, text } end
  local record = find_record(unit, id)
  if not record then return { 'unknown', now, '' } end
  if (record.state ~= live and record.state ~= held) or is_over(record, now) then
    return { 'ended', now, text_of(record) }
  end
  tell(unit, 'verification.cancelled', record, now, ',"reason":"caller"')
  end_live(unit, record, cancelled)
  if fingerprint then keep_call(onces, keys[5], fingerprint, kept_result('cancelled', now, id, record)) end
  write_verifications(unit)
  write_onces(onces)
  return { 'cancelled', now, text_of(record) }
end

-- Ends live verifications of a person whose contact has changed.
-- Keys: records, live, events, event_count. Arguments: [2] JSON, a list of ids. Answers: done, now.
local function end_unused(keys, args)
  local now = clock()
  if is_late(args[1], now) then return { 'late', now } end
  local unit = open_verifications(keys[1], keys[2], open_events(keys[3], keys[4]))
  for _, id in ipairs(cjson.decode(args[2])) do
    local record = find_record(unit, id)
    if record and record.state == live then
      tell(unit, 'verification.cancelled', record, now, ',"reason":"contact-changed"')
      end_live(unit, record, dead)
    end
  end
  write_verifications(unit)
  return { 'done', now }
end
