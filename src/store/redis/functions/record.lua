-- Verifications: JSON by id in the hash `records`; ids of live ones by the digest of their key in the hash `live`.
-- The fields that functions change come first, in a fixed order, so that they can be read and replaced without
-- decoding the rest.

local live, used, dead, expired, spent, held, cancelled = 0, 1, 2, 3, 4, 5, 6

-- A clock that was set back must not lengthen a code's life: a code issued later than now, give or take, has ended.
local clock_slack_ms = 2000

-- Followed by usedAt and broughtBy, if the record has them. The names of providers, channels and regions, all that
-- broughtBy holds beside a time, have no braces.
local head = '^{"state":(%d+),"submissions":(%d+),"messages":(%d+),"issuedAt":(%d+),"expiresAt":(%d+),'
  .. '"digest":"([%w_-]+)"()'

-- A record whose fields lie in another order, as earlier versions write them, which may run beside this one.
local function in_order(text)
  local record = cjson.decode(text)
  local function moved(name)
    local value = record[name]
    record[name] = nil
    return value
  end
  local changing = { state = moved('state'), submissions = moved('submissions'), messages = moved('messages'),
    issuedAt = moved('issuedAt'), expiresAt = moved('expiresAt'), digest = moved('digest'), usedAt = moved('usedAt') }
  local brought_by = moved('broughtBy')
  changing.broughtBy = brought_by and cjson.encode(brought_by)
  changing.rest = ',' .. string.sub(cjson.encode(record), 2)
  return changing
end

local function parse_record(id, text)
  local state, submissions, messages, issued_at, expires_at, digest, at = string.match(text, head)
  local record
  if state then
    local used_at, after_use = string.match(text, '^,"usedAt":(%d+)()', at)
    at = after_use or at
    local brought_by, after_bringing = string.match(text, '^,"broughtBy":(%b{})()', at)
    at = after_bringing or at
    record = { state = tonumber(state), submissions = tonumber(submissions), messages = tonumber(messages),
      issuedAt = tonumber(issued_at), expiresAt = tonumber(expires_at), digest = digest,
      usedAt = tonumber(used_at), broughtBy = brought_by, rest = string.sub(text, at) }
  else
    record = in_order(text)
  end
  record.id = id
  return record
end

local function text_of(record)
  return string.format('{"state":%d,"submissions":%d,"messages":%d,"issuedAt":%d,"expiresAt":%d,"digest":"%s"',
      record.state, record.submissions, record.messages, record.issuedAt, record.expiresAt, record.digest)
    .. (record.usedAt and string.format(',"usedAt":%d', record.usedAt) or '')
    .. (record.broughtBy and ',"broughtBy":' .. record.broughtBy or '')
    .. record.rest
end

local function is_over(record, now)
  return record.expiresAt <= now or record.issuedAt > now + clock_slack_ms
end

-- What a function reads and changes of verifications. Each is read once, and all are written at the end by one command.
-- events: those that it adds; absent if it adds none.
local function open_verifications(records, lives, events)
  return { records = records, lives = lives, events = events, read = {}, changed = {}, ids = {}, changed_ids = {} }
end

-- A record whose events somebody reads begins its unchanging part so.
local told = ',"told":true,'

-- Adds an event of a verification. Call it before the record changes. more: further fields of JSON, or nothing.
local function tell(unit, type, record, now, more, id)
  if not unit.events or string.sub(record.rest, 1, #told) ~= told then return end
  put_event(unit.events, type, record.id, now, '"record":' .. text_of(record) .. (more or ''), id)
end

-- Its id is the same whoever finds that it has expired: see archive.ts.
local function expire(unit, record, now)
  tell(unit, 'verification.expired', record, now, nil, event_id(record.expiresAt, record.id, 'expired', ''))
  record.state = expired
end

local function find_record(unit, id)
  local record = unit.read[id]
  if record == nil then
    local text = redis.call('HGET', unit.records, id)
    record = text and parse_record(id, text)
    unit.read[id] = record
  end
  return record or nil
end

-- Marks a record, which may be new, to be written.
local function change_record(unit, record)
  unit.read[record.id] = record
  if not record.isChanged then
    record.isChanged = true
    unit.changed[#unit.changed + 1] = record
  end
end

local function live_id(unit, digest)
  local id = unit.ids[digest]
  if id == nil then
    id = redis.call('HGET', unit.lives, digest)
    unit.ids[digest] = id
  end
  return id
end

-- id: false if the key has no live verification any more.
local function set_live(unit, digest, id)
  unit.ids[digest] = id
  unit.changed_ids[digest] = true
end

-- The live verification of a key, by the key's digest. One whose time is over stays so, even if the clock is set back.
local function live_record(unit, digest, now)
  local id = live_id(unit, digest)
  if not id then return nil end
  local record = find_record(unit, id)
  if record and not is_over(record, now) then return record end
  if record then
    expire(unit, record, now)
    change_record(unit, record)
  end
  set_live(unit, digest, false)
  return nil
end

-- Ends a verification: it is not found as live any more. A submission counted before may still use a spent one.
local function end_live(unit, record, state)
  record.state = state
  change_record(unit, record)
  if live_id(unit, record.digest) == record.id then set_live(unit, record.digest, false) end
end

-- The verification with an id if it is live, and otherwise nil and the one that is not: aliveById of src/store/verbs once
-- more.
local function live_by_id(unit, id, now)
  local record = find_record(unit, id)
  if not record or record.state ~= live then return nil, record end
  if not is_over(record, now) then return record end
  expire(unit, record, now)
  end_live(unit, record, expired)
  return nil, record
end

-- Of a live verification, for an act that sends its code: one with `max` submissions ends as spent, and is none. Otherwise
-- nil and the one that ended: `enterable` of src/store/verbs once more.
local function enterable(unit, record, max, now)
  if not record or record.submissions < max then return record end
  tell(unit, 'verification.spent', record, now)
  end_live(unit, record, spent)
  return nil, record
end

local function write_verifications(unit)
  if unit.events then write_events(unit.events) end
  local texts, added, removed = { unit.records }, { unit.lives }, { unit.lives }
  for _, record in ipairs(unit.changed) do
    texts[#texts + 1] = record.id
    texts[#texts + 1] = text_of(record)
  end
  for digest in pairs(unit.changed_ids) do
    local id = unit.ids[digest]
    if id then
      added[#added + 1] = digest
      added[#added + 1] = id
    else
      removed[#removed + 1] = digest
    end
  end
  call_with('HSET', texts)
  call_with('HSET', added)
  call_with('HDEL', removed)
end
