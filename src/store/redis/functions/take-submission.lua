-- Counts a submission before anyone looks at its code.
-- Keys: records, live; the repeat, if hasRepeat; then a ledger for each take.
-- Arguments: [2] JSON { takes, digest, maxSubmissions, hasRepeat, isRefused, isSpent },
--   isRefused: a ledger elsewhere has refused, so take nothing here · isSpent: and that ends the code.
-- Answers: repeated, now · throttled, now, JSON of the refusal or nothing if only elsewhere ·
--   taken, now, JSON of the record or nothing.
local function take_submission(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local request = cjson.decode(args[2])
  local first = 3
  if request.hasRepeat then
    if redis.call('EXISTS', keys[3]) == 1 then return { 'repeated', now } end
    first = 4
  end
  local refusal = take_all(keys, first, request.takes, now, request.isRefused)
  local record = live_record(keys[1], keys[2], request.digest, now)
  if refusal or request.isRefused then
    local is_spent = request.isSpent
    for _, scope in ipairs(refusal and refusal.scopes or {}) do
      if scope == 'member-address' or scope == 'member' then is_spent = true end
    end
    if record and is_spent then end_live(keys[1], keys[2], record, spent) end
    return { 'throttled', now, refusal and cjson.encode(refusal) or '' }
  end
  if not record then
    -- Read, counted on and written where there is no record, so that an unknown address costs what a known
    -- one does (A-1).
    local decoy = read_record(keys[1], 'decoy') or { id = 'decoy', submissions = 0, digest = request.digest }
    decoy.submissions = (decoy.submissions + 1) % 1000
    write_record(keys[1], decoy)
    return { 'taken', now, '' }
  end
  if record.submissions >= request.maxSubmissions then
    return { 'taken', now, end_live(keys[1], keys[2], record, spent) }
  end
  record.submissions = record.submissions + 1
  return { 'taken', now, write_record(keys[1], record) }
end
