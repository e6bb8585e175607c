-- Counts a submission before anyone looks at its code.
-- Keys: records, live; the repeat, if hasRepeat; then the limiter of each limit; then those that decoys name.
-- Arguments: [2] JSON { limits, decoys, digest, maxSubmissions, hasRepeat, isRefused, isSpent },
--   decoys: limit and key, by number: where no code is live, that limit is acquired from that key in place of its own ·
--   isRefused: a limiter elsewhere has refused, so take nothing here · isSpent: and that ends the code.
-- Answers: repeated, now · throttled, now, JSON of the refusal or nothing if only elsewhere ·
--   taken, now, JSON of the record · unknown, now, JSON of one as good as any.

-- As long as any other record. Read, counted on, written and told of where there is none to be, so that an unknown
-- address costs what a known one does (A-1). It is of no digest and no address, so that nobody finds it.
local function decoy_record(records, now)
  return read_record(records, 'decoy') or {
    id = 'decoy',
    tenant = string.rep('-', 8),
    app = string.rep('-', 32),
    member = string.rep('-', 32),
    address = string.rep('-', 18),
    purpose = 'new-contact',
    keyId = string.rep('-', 16),
    digits = 6,
    isTest = false,
    state = live,
    submissions = 0,
    messages = 1,
    digest = string.rep('-', 32),
    issuedAt = now,
    expiresAt = now,
    broughtBy = { provider = '-------', channel = '---', region = '--', acceptedAt = now },
  }
end

local function take_submission(keys, args)
  local now = clock()
  if is_late(args, now) then return { 'late', now } end
  local request = cjson.decode(args[2])
  local first = 3
  if request.hasRepeat then
    if redis.call('EXISTS', keys[3]) == 1 then return { 'repeated', now } end
    first = 4
  end
  local record = live_record(keys[1], keys[2], request.digest, now)
  local limiters = {}
  for i = 1, #request.limits do limiters[i] = keys[first + i - 1] end
  for _, decoy in ipairs(request.decoys) do
    if not record then limiters[decoy.limit] = keys[first + #request.limits + decoy.key - 1] end
  end
  local refusal = acquire_all(limiters, 1, request.limits, now, request.isRefused)
  if refusal or request.isRefused then
    local is_spent = request.isSpent
    for _, scope in ipairs(refusal and refusal.scopes or {}) do
      if scope == 'member-address' or scope == 'member' then is_spent = true end
    end
    if record and is_spent then end_live(keys[1], keys[2], record, spent) end
    return { 'throttled', now, refusal and cjson.encode(refusal) or '' }
  end
  if not record then
    local decoy = decoy_record(keys[1], now)
    decoy.submissions = (decoy.submissions + 1) % 10
    return { 'unknown', now, write_record(keys[1], decoy) }
  end
  if record.submissions >= request.maxSubmissions then
    return { 'taken', now, end_live(keys[1], keys[2], record, spent) }
  end
  record.submissions = record.submissions + 1
  return { 'taken', now, write_record(keys[1], record) }
end
