-- Issues verifications and queues their messages.
-- Keys: records, live, ends, bodies, entries, due, waiting; then of each issue: a limiter for each of its limits,
--   and the set of its member's verifications if that lies here.
-- Arguments: lists of limits, see read_lists; then of each issue twelve:
--   not after · number of its list of limits · tags, see acquire_all · digest of its key · id ·
--   the part of the record that never changes, as JSON without its first brace · lifetime in ms ·
--   id of the message, or nothing · the message, as it is kept · the part of the entry that is the caller's, likewise ·
--   ms of the caller's lease · ms to keep the member's set, or nothing if that lies elsewhere.
-- Answers: done, now, and of each issue two: late · throttled, JSON of the refusal · issued · live, JSON of the record.

local function issue(keys, args)
  local now = clock()
  local lists, at = read_lists(args)
  local key = 8
  local unit, limiters = open_verifications(keys[1], keys[2]), open_limiters()
  local ends, bodies, entries = { keys[3] }, { keys[4] }, { keys[5] }
  local due, waiting, sets = { keys[6] }, { keys[7] }, {}
  local answer = { 'done', now }
  local function reply(kind, text)
    answer[#answer + 1] = kind
    answer[#answer + 1] = text or ''
  end
  for first = at, #args, 12 do
    local not_after, list, tags, digest, id, rest, lifetime_ms, message, body, of_caller, lease_ms, set_ms =
      unpack(args, first, first + 11)
    local limits = lists[tonumber(list)]
    local first_limiter = key
    key = key + #limits
    local refusal
    local set = set_ms ~= '' and keys[key]
    if set then key = key + 1 end
    if is_late(not_after, now) then
      reply('late')
    else
      refusal = acquire_all(limiters, keys, first_limiter, limits, tags, now)
      if refusal then
        reply('throttled', cjson.encode(refusal))
      else
        local record = live_record(unit, digest, now)
        if record then
          if message ~= '' then
            record.messages = record.messages + 1
            change_record(unit, record)
          end
          reply('live', text_of(record))
        else
          record = { id = id, state = live, submissions = 0, messages = message == '' and 0 or 1, issuedAt = now,
            expiresAt = now + lifetime_ms, digest = digest, rest = ',' .. rest }
          change_record(unit, record)
          set_live(unit, digest, id)
          ends[#ends + 1] = string.format('%d', record.expiresAt)
          ends[#ends + 1] = id
          reply('issued')
        end
        if message ~= '' then
          local entry = string.format('%d:%s', now, message)
          bodies[#bodies + 1] = entry
          bodies[#bodies + 1] = body
          entries[#entries + 1] = entry
          entries[#entries + 1] = string.format('{"verification":"%s","deadlineAt":%d,%s', record.id,
            record.expiresAt, of_caller)
          due[#due + 1] = string.format('%d', now + lease_ms)
          due[#due + 1] = entry
          waiting[#waiting + 1] = string.format('%d', now)
          waiting[#waiting + 1] = entry
        end
        if set then
          sets[set] = sets[set] or { ms = set_ms, key = set }
          table.insert(sets[set], record.id)
        end
      end
    end
  end
  write_limiters(limiters)
  write_verifications(unit)
  call_with('ZADD', ends)
  call_with('HSET', bodies)
  call_with('HSET', entries)
  call_with('ZADD', due)
  call_with('ZADD', waiting)
  for set, ids in pairs(sets) do
    redis.call('SADD', set, unpack(ids))
    redis.call('PEXPIRE', set, ids.ms)
  end
  return answer
end
