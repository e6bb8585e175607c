-- The decision "one more?" of src/throttle/acquire.ts once more, over limiters as they lie here.

-- The limiters that a function has read, each once, and those that it writes at its end, each once.
-- lasts: for how many ms each changed one is kept; 0: for as long as before.
local function open_limiters()
  return { states = {}, lasts = {} }
end

local function state_of(limiters, key)
  local state = limiters.states[key]
  if not state then
    state = read_limiter(key)
    limiters.states[key] = state
  end
  return state
end

local function write_limiters(limiters)
  for key, lasts in pairs(limiters.lasts) do
    local state = limiters.states[key]
    if #state == 0 then
      redis.call('DEL', key)
    elseif lasts == 0 then
      redis.call('SET', key, cmsgpack.pack(state), 'KEEPTTL')
    else
      redis.call('SET', key, cmsgpack.pack(state), 'PX', lasts)
    end
  end
end

-- Lists of limits, by the JSON they were sent as, which is the same in every call under a policy. Beyond 1000 lists, more
-- than apps with policies of their own need, all are forgotten.
local known_lists, known_count, max_known = {}, 0, 1000

local function read_list(json)
  local list = known_lists[json]
  if list then return list end
  list = cjson.decode(json)
  for _, limit in ipairs(list) do
    limit.longestMs = longest_ms(limit.rules)
    limit.maxTags = max_tags(limit.rules)
    limit.keepMs = limit.keepMs or 0
  end
  if known_count >= max_known then known_lists, known_count = {}, 0 end
  known_lists[json] = list
  known_count = known_count + 1
  return list
end

-- The lists of limits at the begin of args: how many, then the JSON of each, a list of { scope, form, rules, keepMs,
-- looksOnly }. Returns them by number, 0 being none, and where the other arguments begin.
local function read_lists(args)
  local lists, count = { [0] = {} }, tonumber(args[1])
  for i = 1, count do lists[i] = read_list(args[i + 1]) end
  return lists, count + 2
end

-- Adds one hit to the limiter of each limit; to none if a rule refuses or is_refused.
-- keys[first], keys[first + 1] …: their limiters. tags: `number=tag` of each limit that has one, by commas.
-- Returns the refusal or nil, and for each limit the time that refund_one needs as `before`.
local function acquire_all(limiters, keys, first, limits, tags, now, is_refused)
  local states, tag_of, scopes, refusal = {}, {}, {}, nil
  for number, tag in string.gmatch(tags, '(%d+)=(%d+)') do tag_of[tonumber(number)] = tonumber(tag) end
  for i, limit in ipairs(limits) do
    states[i] = state_of(limiters, keys[first + i - 1])
    for _, rule in ipairs(limit.rules) do
      local wait = wait_ms(states[i], rule, now, tag_of[i] or 0)
      if wait > 0 then
        scopes[#scopes + 1] = limit.scope
        if not refusal or wait > refusal.retryAfterMs then
          refusal = { scope = limit.scope, rule = rule.kind, retryAfterMs = wait, scopes = scopes }
        end
      end
    end
  end
  if refusal or is_refused then return refusal, {} end
  local befores = {}
  for i, limit in ipairs(limits) do
    befores[i] = -1
    if not limit.looksOnly then
      local key = keys[first + i - 1]
      -- Not the state of before: a limiter with several limits gets a hit of each.
      local state, before = with_hit(state_of(limiters, key), limit, now, tag_of[i] or 0)
      befores[i] = before
      limiters.states[key] = state
      limiters.lasts[key] = math.max(1, math.ceil(forgotten_at(state, limit) - now))
    end
  end
  return nil, befores
end

-- Refunds one hit. hit: form, at; and of a hit that shall leave no trace (undo): tag, before, perSecond, perMs, as far
-- as its form needs them. Without undo only events are refunded, as in all engines.
local function refund_one(limiters, key, hit)
  local state = state_of(limiters, key)
  if #state == 0 then return end
  if hit.form == 'events' then
    for i = #state, 1, -1 do
      if state[i] == hit.at then
        local count = count_at(state, i)
        if count > 2 then
          state[i + 1] = 1 - count
        else
          table.remove(state, count == 2 and i + 1 or i)
        end
        break
      end
    end
  elseif not hit.undo then
    return
  elseif hit.form == 'tags' then
    for i = 1, #state, 2 do
      if state[i + 1] == hit.tag and state[i] == hit.at then
        if hit.before >= 0 then
          state[i] = hit.before
        else
          table.remove(state, i)
          table.remove(state, i)
        end
        break
      end
    end
  elseif hit.form == 'bucket' then
    state[1] = state[1] - 1000 / hit.perSecond
  else -- tally
    local slot = math.floor(hit.at / slot_ms(hit.perMs))
    for i = 1, #state, 2 do
      if state[i] == slot then
        state[i + 1] = state[i + 1] - 1
        break
      end
    end
  end
  -- A horizon alone, or for tags with how many are kept, refuses nothing.
  local is_empty = #state == 0 or (state[1] < 0 and #state <= (hit.form == 'tags' and 2 or 1))
  if is_empty then limiters.states[key] = {} end
  limiters.lasts[key] = limiters.lasts[key] or 0
end
