-- Throttle ledgers: the rules of src/throttle/ledger.ts once more, where the ledgers lie. A property test holds
-- the two to the same decisions. A ledger is a flat list of numbers, packed; times are engine time in ms. What the
-- numbers mean is written there.

local tally_slots, most_exact, most_numbers, least_tags = 60, 300, 600, 300

local function slot_ms(per_ms)
  return math.ceil(per_ms / tally_slots)
end

local function read_ledger(key)
  local packed = redis.call('GET', key)
  if packed then return cmsgpack.unpack(packed) end
  return {}
end

local function longest_ms(rules)
  local longest = 0
  for _, rule in ipairs(rules) do
    if rule.kind ~= 'bucket' and rule.perMs > longest then longest = rule.perMs end
  end
  return longest
end

-- How many of the newest tags are kept.
local function most_tags(rules)
  local most = least_tags
  for _, rule in ipairs(rules) do
    if rule.kind == 'distinct' then most = math.max(most, 2 * rule.max) end
  end
  return most
end

-- The longest time that anybody who took from it looks back; 0 if it does not say.
local function horizon_ms(ledger)
  return math.max(0, -(ledger[1] or 0))
end

-- How many takings the time at an index of events stands for.
local function count_at(ledger, index)
  return math.max(1, -(ledger[index + 1] or 0))
end

-- When the n-th newest of events was taken, or a little later; nil if there are fewer.
local function nth_newest(ledger, nth)
  local count, i = 0, #ledger
  while i > 0 do
    local weight = 1
    if ledger[i] < 0 then
      weight = -ledger[i]
      i = i - 1
      if i == 0 then return nil end
    end
    count = count + weight
    if count >= nth then return ledger[i] end
    i = i - 1
  end
  return nil
end

-- How many of the events are later than a time.
local function count_since(ledger, time)
  local count, i = 0, #ledger
  while i > 0 do
    local weight = 1
    if ledger[i] < 0 then
      weight = -ledger[i]
      i = i - 1
      if i == 0 then break end
    end
    if ledger[i] <= time then break end
    count = count + weight
    i = i - 1
  end
  return count
end

-- The events without their horizon and without what is older than span.
local function within(ledger, span, now)
  local kept = {}
  for _, number in ipairs(ledger) do
    if #kept > 0 or (number >= 0 and number + span > now) then kept[#kept + 1] = number end
  end
  return kept
end

-- Many events with the oldest put together, those of a slot as if all were taken when its last was.
local function gathered(events, span)
  if #events < most_numbers then return events end
  local slot, next_one, i = slot_ms(span), {}, 1
  while i <= #events - most_exact do
    local number, count, last = math.floor(events[i] / slot), 0, nil
    while i <= #events - most_exact and math.floor(events[i] / slot) == number do
      last = events[i]
      local weight = count_at(events, i)
      count = count + weight
      if weight > 1 then i = i + 2 else i = i + 1 end
    end
    next_one[#next_one + 1] = last
    if count > 1 then next_one[#next_one + 1] = -count end
  end
  for j = i, #events do next_one[#next_one + 1] = events[j] end
  return next_one
end

-- How long until one more may be taken under the rule; 0: now.
local function wait_ms(ledger, rule, now, tag)
  if rule.kind == 'window' then
    if rule.max <= 0 then return rule.perMs end
    local at = nth_newest(ledger, rule.max)
    if not at then return 0 end
    return math.max(0, at + rule.perMs - now)
  elseif rule.kind == 'gaps' then
    local last = nth_newest(ledger, 1)
    if not last then return 0 end
    local count = count_since(ledger, now - rule.perMs)
    if count == 0 then return 0 end
    local gap = rule.gapsMs[math.min(count, #rule.gapsMs)] or 0
    return math.max(0, last + gap - now)
  elseif rule.kind == 'distinct' then
    local times = {}
    for i = 1, #ledger, 2 do
      local at = ledger[i]
      if at >= 0 and at + rule.perMs > now then
        if ledger[i + 1] == tag then return 0 end
        times[#times + 1] = at
      end
    end
    if #times < rule.max then return 0 end
    table.sort(times)
    return math.max(1, times[#times - math.max(1, rule.max) + 1] + rule.perMs - now)
  elseif rule.kind == 'bucket' then
    local interval_ms = 1000 / rule.perSecond
    local arrival = ledger[1] or 0
    return math.max(0, math.ceil(arrival - (rule.burst - 1) * interval_ms - now))
  else -- tally
    local slot = slot_ms(rule.perMs)
    local first = math.floor(now / slot) - tally_slots
    local sum, wait_slot = 0, 0
    for i = #ledger - 1, 1, -2 do
      if ledger[i] < first then break end
      sum = sum + ledger[i + 1]
      if sum >= rule.max then
        wait_slot = ledger[i]
        break
      end
    end
    if sum < rule.max then return 0 end
    return math.max(1, (wait_slot + tally_slots + 1) * slot - now)
  end
end

-- The ledger after one more taking, and for tags the time that the same tag was last taken before, or -1.
local function taken(ledger, form, rules, now, tag, keep_ms)
  local nextOne, before = {}, -1
  if form == 'events' then
    local span = math.max(longest_ms(rules), keep_ms, horizon_ms(ledger))
    local kept = within(ledger, span, now)
    nextOne[1] = -span
    for _, number in ipairs(gathered(kept, span)) do nextOne[#nextOne + 1] = number end
    nextOne[#nextOne + 1] = math.max(now, nth_newest(kept, 1) or 0)
  elseif form == 'tags' then
    local span = math.max(longest_ms(rules), keep_ms, horizon_ms(ledger))
    local most = most_tags(rules)
    if #ledger > 0 and ledger[1] < 0 then most = math.max(most, ledger[2]) end
    local kept = {}
    for i = 1, #ledger, 2 do
      if ledger[i] >= 0 then
        if ledger[i + 1] == tag then
          before = ledger[i]
        elseif ledger[i] + span > now then
          kept[#kept + 1] = ledger[i]
          kept[#kept + 1] = ledger[i + 1]
        end
      end
    end
    nextOne[1], nextOne[2] = -span, most
    for i = math.max(1, #kept - 2 * (most - 1) + 1), #kept do nextOne[#nextOne + 1] = kept[i] end
    nextOne[#nextOne + 1] = now
    nextOne[#nextOne + 1] = tag
  elseif form == 'bucket' then
    nextOne = ledger
    for _, rule in ipairs(rules) do
      if rule.kind == 'bucket' then
        nextOne = { math.max(now, ledger[1] or 0) + 1000 / rule.perSecond }
        break
      end
    end
  else -- tally
    local slot = slot_ms(longest_ms(rules))
    local current = math.floor(now / slot)
    for i = 1, #ledger, 2 do
      if ledger[i] >= current - tally_slots then
        nextOne[#nextOne + 1] = ledger[i]
        nextOne[#nextOne + 1] = ledger[i + 1]
      end
    end
    if #nextOne > 0 and nextOne[#nextOne - 1] >= current then
      nextOne[#nextOne] = nextOne[#nextOne] + 1
    else
      nextOne[#nextOne + 1] = current
      nextOne[#nextOne + 1] = 1
    end
  end
  return nextOne, before
end

-- When the ledger says nothing any more.
local function forgotten_at(ledger, form, rules)
  if form == 'bucket' then return ledger[1] or 0 end
  if form == 'tally' then
    return ((ledger[#ledger - 1] or 0) + tally_slots + 2) * slot_ms(longest_ms(rules))
  end
  local last = form == 'tags' and ledger[#ledger - 1] or nth_newest(ledger, 1)
  return math.max(0, last or 0) + math.max(longest_ms(rules), horizon_ms(ledger))
end

-- Takes one more from each ledger, or nothing if a rule refuses or is_refused.
-- keys[first], keys[first + 1] …: in the order of takes.
-- Returns the refusal or nil, and for each take what give_back must know beside the time.
local function take_all(keys, first, takes, now, is_refused)
  local ledgers, scopes, refusal = {}, {}, nil
  for i, take in ipairs(takes) do
    ledgers[i] = read_ledger(keys[first + i - 1])
    for _, rule in ipairs(take.rules) do
      local wait = wait_ms(ledgers[i], rule, now, take.tag or 0)
      if wait > 0 then
        scopes[#scopes + 1] = take.scope
        if not refusal or wait > refusal.retryAfterMs then
          refusal = { scope = take.scope, rule = rule.kind, retryAfterMs = wait, scopes = scopes }
        end
      end
    end
  end
  if refusal or is_refused then return refusal, {} end
  local befores = {}
  for i, take in ipairs(takes) do
    befores[i] = -1
    if not take.looksOnly then
      local ledger, before = taken(ledgers[i], take.form, take.rules, now, take.tag or 0, take.keepMs or 0)
      befores[i] = before
      local lasts = math.max(1, math.ceil(forgotten_at(ledger, take.form, take.rules) - now))
      redis.call('SET', keys[first + i - 1], cmsgpack.pack(ledger), 'PX', lasts)
    end
  end
  return nil, befores
end

-- Gives one taking back. taking: form, at; and of a taking that shall leave no trace (undo): tag, before,
-- perSecond, perMs, as far as its form needs them. Without undo only events are given back, as everywhere.
local function give_back_one(key, taking)
  local ledger = read_ledger(key)
  if #ledger == 0 then return end
  if taking.form == 'events' then
    for i = #ledger, 1, -1 do
      if ledger[i] == taking.at then
        local count = count_at(ledger, i)
        if count > 2 then
          ledger[i + 1] = 1 - count
        else
          table.remove(ledger, count == 2 and i + 1 or i)
        end
        break
      end
    end
  elseif not taking.undo then
    return
  elseif taking.form == 'tags' then
    for i = 1, #ledger, 2 do
      if ledger[i + 1] == taking.tag and ledger[i] == taking.at then
        if taking.before >= 0 then
          ledger[i] = taking.before
        else
          table.remove(ledger, i)
          table.remove(ledger, i)
        end
        break
      end
    end
  elseif taking.form == 'bucket' then
    ledger[1] = ledger[1] - 1000 / taking.perSecond
  else -- tally
    local slot = math.floor(taking.at / slot_ms(taking.perMs))
    for i = 1, #ledger, 2 do
      if ledger[i] == slot then
        ledger[i + 1] = ledger[i + 1] - 1
        break
      end
    end
  end
  -- A horizon alone, or for tags with how many are kept, says nothing.
  if #ledger == 0 or (ledger[1] < 0 and #ledger <= (taking.form == 'tags' and 2 or 1)) then
    redis.call('DEL', key)
  else
    redis.call('SET', key, cmsgpack.pack(ledger), 'KEEPTTL')
  end
end
