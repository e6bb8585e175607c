-- Counts submissions before anyone looks at their codes.
-- Keys: records, live, events, event_count; then of each submission: its repeat if it names one, a limiter for each of its limits, one for each
--   of its decoys, and its once if it has one.
-- Arguments: lists of limits, see read_lists; then of each submission nine:
--   not after · number of its list of limits · tags, see acquire_all · digest of its key · id of its verification, or
--   nothing: the live one of the key · the most submissions ·
--   decoys, numbers of limits: where no code is live, each is acquired from the decoy's limiter in place of its own; all of
--   them, if the verification is named by its id ·
--   letters: r, it names a repeat · e, a limiter elsewhere has refused, so that nothing is acquired here ·
--   s, and that refusal ends the code if it took a submission before · options: once, its fingerprint · hits, JSON of hits elsewhere, to be kept with it.
-- Answers: done, now, and of each submission two: late · replayed, JSON · mismatch · repeated · throttled, JSON of the refusal, or nothing if it is
--   only elsewhere · taken, JSON of the record · ended, JSON of the record named by its id, which takes none any more ·
--   unknown, JSON of a record that stands for none, or nothing if it was named by its id.

-- As long as any other record. Read, counted on, written and answered where there is none to be, so that an unknown
-- address costs what a known one does (A-1). It is of no digest and no address, so that nobody finds it.
local function decoy_record(unit, now)
  local decoy = find_record(unit, 'decoy')
  if decoy then return decoy end
  local brought_by = cjson.encode({ acceptedAt = now, provider = '-------', channel = '---', region = '--' })
  local rest = cjson.encode({ id = 'decoy', tenant = string.rep('-', 8), app = string.rep('-', 32),
    member = string.rep('-', 32), address = string.rep('-', 18), purpose = 'new-contact', keyId = string.rep('-', 16),
    digits = 6, isTest = false })
  return { id = 'decoy', state = live, submissions = 0, messages = 1, issuedAt = now, expiresAt = now,
    digest = string.rep('-', 43), broughtBy = brought_by, rest = ',' .. string.sub(rest, 2) }
end

-- A refusal by limits of one's own spends a code that took a submission: endsLiveCode of src/throttle once more.
local function ends_live_code(scopes)
  for _, scope in ipairs(scopes) do
    if scope == 'member-address' or scope == 'member' then return true end
  end
  return false
end

-- The limiters of a submission: those of its limits, or their decoys' where no code is live.
local function limiters_of(keys, first, count, decoys, has_record)
  local of_limits = {}
  for i = 1, count do of_limits[i] = keys[first + i - 1] end
  local next_decoy = first + count
  for number in string.gmatch(decoys, '%d+') do
    if not has_record then of_limits[tonumber(number)] = keys[next_decoy] end
    next_decoy = next_decoy + 1
  end
  return of_limits, next_decoy
end

local function count_of(decoys)
  local count = 0
  for _ in string.gmatch(decoys, '%d+') do count = count + 1 end
  return count
end

local function take_submission(keys, args)
  local now = clock()
  local lists, at = read_lists(args)
  local key = 5
  local unit = open_verifications(keys[1], keys[2], open_events(keys[3], keys[4]))
  local limiters, onces = open_limiters(), open_onces()
  local answer = { 'done', now }
  local function reply(kind, text)
    answer[#answer + 1] = kind
    answer[#answer + 1] = text or ''
  end

  local function keep(once, fingerprint, options, kind, id, record)
    local hits = string.match(options, ' hits=(.*)$')
    keep_call(onces, once, fingerprint, kept_result(kind, now, id, record, hits and ',"hits":' .. hits))
  end

  local function spend(record)
    tell(unit, 'verification.spent', record, now)
    end_live(unit, record, spent)
  end

  local function count(limits, tags, digest, id, max_submissions, decoys, letters, options)
    local names_repeat = string.find(letters, 'r', 1, true)
    local is_refused = string.find(letters, 'e', 1, true)
    local first = names_repeat and key + 1 or key
    local is_repeated = names_repeat and redis.call('EXISTS', keys[key]) == 1
    local fingerprint = option(options, 'once')
    local once = fingerprint and keys[first + #limits + count_of(decoys)]
    local kind, text
    if once then kind, text = replay_of(onces, once, fingerprint) end
    local record, ended
    if not kind and not is_repeated then
      if id == '' then record = live_record(unit, digest, now) else record, ended = live_by_id(unit, id, now) end
    end
    local of_limits, next_key = limiters_of(keys, first, #limits, decoys, record)
    key = once and next_key + 1 or next_key
    if kind then return reply(kind, text) end
    if is_repeated then return reply('repeated') end
    -- Limits elsewhere are those of a live one: they refuse nothing to who names one that has ended.
    if id ~= '' and not record then is_refused = nil end
    local refusal = acquire_all(limiters, of_limits, 1, limits, tags, now, is_refused)
    if refusal or is_refused then
      local is_spent = string.find(letters, 's', 1, true) or (refusal and ends_live_code(refusal.scopes))
      if record and record.submissions > 0 and is_spent then spend(record) end
      return reply('throttled', refusal and cjson.encode(refusal))
    end
    if not record and id ~= '' then
      kind = ended and 'ended' or 'unknown'
      if once then keep(once, fingerprint, options, kind, id, ended) end
      return reply(kind, ended and text_of(ended))
    end
    if not record then
      local decoy = decoy_record(unit, now)
      decoy.submissions = (decoy.submissions + 1) % 10
      change_record(unit, decoy)
      return reply('unknown', text_of(decoy))
    end
    if record.submissions >= tonumber(max_submissions) then
      spend(record)
    else
      record.submissions = record.submissions + 1
      change_record(unit, record)
    end
    if once then keep(once, fingerprint, options, 'taken', id, record) end
    reply('taken', text_of(record))
  end

  for first = at, #args, 9 do
    local not_after, list, tags, digest, id, max_submissions, decoys, letters, options =
      unpack(args, first, first + 8)
    local limits = lists[tonumber(list)]
    if is_late(not_after, now) then
      reply('late')
      key = key + #limits + (string.find(letters, 'r', 1, true) and 1 or 0)
      key = key + count_of(decoys) + (option(options, 'once') and 1 or 0)
    else
      count(limits, tags, digest, id, max_submissions, decoys, letters, options)
    end
  end
  write_limiters(limiters)
  write_verifications(unit)
  write_onces(onces)
  return answer
end
