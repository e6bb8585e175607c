-- Calls that acted, by the keys that their callers gave them: src/store/once.ts once more. Of each its fingerprint, and JSON
-- of its result: kind, now, and of its verification the id and what may change later. So it takes a fifth of the memory that
-- a whole record would, of which a day's worth is kept.

local once_ms = 86400000

local function open_onces()
  return { texts = {}, changed = {} }
end

-- The answer to a call that came before, and nil to one that did not.
local function replay_of(onces, key, fingerprint)
  local text = onces.texts[key]
  if text == nil then
    text = redis.call('GET', key)
    onces.texts[key] = text
  end
  if not text then return nil end
  local mark = fingerprint .. ' '
  if string.sub(text, 1, #mark) ~= mark then return 'mismatch', '' end
  return 'replayed', string.sub(text, #mark + 1)
end

local function keep_call(onces, key, fingerprint, json)
  onces.texts[key] = fingerprint .. ' ' .. json
  onces.changed[key] = true
end

-- more: further fields of JSON, or nothing.
local function kept_result(kind, now, id, record, more)
  local changing = record and string.format(
    ',"record":{"state":%d,"submissions":%d,"issuedAt":%d,"expiresAt":%d%s}', record.state, record.submissions,
    record.issuedAt, record.expiresAt, record.usedAt and string.format(',"usedAt":%d', record.usedAt) or '') or ''
  return string.format('{"kind":"%s","now":%d,"id":"%s"%s%s}', kind, now, id, changing, more or '')
end

local function write_onces(onces)
  for key in pairs(onces.changed) do redis.call('SET', key, onces.texts[key], 'PX', once_ms) end
end

-- Options of a call, which most calls have none of: words and `name=value` by spaces.
local function option(options, name)
  if options == '' then return nil end
  return string.match(' ' .. options, ' ' .. name .. '=(%S+)')
end

local function has_option(options, name)
  return options ~= '' and string.find(' ' .. options .. ' ', ' ' .. name .. ' ', 1, true) ~= nil
end
