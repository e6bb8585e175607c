-- Throttle limiters: the rules of src/throttle/limiter-state.ts once more, where the limiters lie. A property test holds
-- the two to the same decisions. A limiter is a flat list of numbers, packed; times are engine time in ms. What the
-- numbers mean is written there.

local tally_slots, max_exact, max_numbers, min_tags = 60, 300, 600, 300

local function slot_ms(per_ms)
  return math.ceil(per_ms / tally_slots)
end

local function read_limiter(key)
  local packed = redis.call('GET', key)
  if packed then return cmsgpack.unpack(packed) end
  return {}
end

-- The longest time that a rule of a limit looks back.
local function longest_ms(rules)
  local longest = 0
  for _, rule in ipairs(rules) do
    if rule.kind ~= 'bucket' and rule.perMs > longest then longest = rule.perMs end
  end
  return longest
end

-- How many of the newest tags are kept.
local function max_tags(rules)
  local most = min_tags
  for _, rule in ipairs(rules) do
    if rule.kind == 'distinct' then most = math.max(most, 2 * rule.max) end
  end
  return most
end

-- The longest time that any limit on it looks back; 0 if that is not known.
local function horizon_ms(limiter)
  return math.max(0, -(limiter[1] or 0))
end

-- The number of hits that the time at an index of events stands for.
local function count_at(limiter, index)
  return math.max(1, -(limiter[index + 1] or 0))
end

-- When the n-th newest of events was taken, or a little later; nil if there are fewer.
local function nth_newest(limiter, nth)
  local count, i = 0, #limiter
  while i > 0 do
    local weight = 1
    if limiter[i] < 0 then
      weight = -limiter[i]
      i = i - 1
      if i == 0 then return nil end
    end
    count = count + weight
    if count >= nth then return limiter[i] end
    i = i - 1
  end
  return nil
end

-- How many of the events are later than a time.
local function count_since(limiter, time)
  local count, i = 0, #limiter
  while i > 0 do
    local weight = 1
    if limiter[i] < 0 then
      weight = -limiter[i]
      i = i - 1
      if i == 0 then break end
    end
    if limiter[i] <= time then break end
    count = count + weight
    i = i - 1
  end
  return count
end

-- The events without their horizon and without what is older than span.
local function within(limiter, span, now)
  local kept, count = {}, 0
  for _, number in ipairs(limiter) do
    if count > 0 or (number >= 0 and number + span > now) then
      count = count + 1
      kept[count] = number
    end
  end
  return kept
end

-- Many events with the oldest put together, those of a slot as if all were taken when its last was.
local function gathered(events, span)
  if #events < max_numbers then return events end
  local slot, next_one, i = slot_ms(span), {}, 1
  while i <= #events - max_exact do
    local number, count, last = math.floor(events[i] / slot), 0, nil
    while i <= #events - max_exact and math.floor(events[i] / slot) == number do
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
local function wait_ms(limiter, rule, now, tag)
  if rule.kind == 'window' then
    if rule.max <= 0 then return rule.perMs end
    local at = nth_newest(limiter, rule.max)
    if not at then return 0 end
    return math.max(0, at + rule.perMs - now)
  elseif rule.kind == 'gaps' then
    local last = nth_newest(limiter, 1)
    if not last then return 0 end
    local count = count_since(limiter, now - rule.perMs)
    if count == 0 then return 0 end
    local gap = rule.gapsMs[math.min(count, #rule.gapsMs)] or 0
    return math.max(0, last + gap - now)
  elseif rule.kind == 'distinct' then
    local times = {}
    for i = 1, #limiter, 2 do
      local at = limiter[i]
      if at >= 0 and at + rule.perMs > now then
        if limiter[i + 1] == tag then return 0 end
        times[#times + 1] = at
      end
    end
    if #times < rule.max then return 0 end
    table.sort(times)
    return math.max(1, times[#times - math.max(1, rule.max) + 1] + rule.perMs - now)
  elseif rule.kind == 'bucket' then
    local interval_ms = 1000 / rule.perSecond
    local arrival = limiter[1] or 0
    return math.max(0, math.ceil(arrival - (rule.burst - 1) * interval_ms - now))
  else -- tally
    local slot = slot_ms(rule.perMs)
    local first = math.floor(now / slot) - tally_slots
    local sum, wait_slot = 0, 0
    for i = #limiter - 1, 1, -2 do
      if limiter[i] < first then break end
      sum = sum + limiter[i + 1]
      if sum >= rule.max then
        wait_slot = limiter[i]
        break
      end
    end
    if sum < rule.max then return 0 end
    return math.max(1, (wait_slot + tally_slots + 1) * slot - now)
  end
end

-- The limiter after one more hit, and for tags the time of the hit with the same tag before, or -1.
local function with_hit(limiter, limit, now, tag)
  local form, before = limit.form, -1
  local after = {}
  if form == 'events' then
    local span = math.max(limit.longestMs, limit.keepMs, horizon_ms(limiter))
    local kept = within(limiter, span, now)
    after[1] = -span
    for i, number in ipairs(gathered(kept, span)) do after[i + 1] = number end
    -- By its own time, also if the clock went back since the newest: a refund finds it by that. A count stays with the
    -- time before it, and the horizon at the beginning.
    local i = #after
    while i > 1 and (after[i] < 0 and after[i - 1] > now or after[i] > now) do i = i - 1 end
    table.insert(after, i + 1, now)
  elseif form == 'tags' then
    local span = math.max(limit.longestMs, limit.keepMs, horizon_ms(limiter))
    local most = limit.maxTags
    if #limiter > 0 and limiter[1] < 0 then most = math.max(most, limiter[2]) end
    local kept = {}
    for i = 1, #limiter, 2 do
      if limiter[i] >= 0 then
        if limiter[i + 1] == tag then
          before = limiter[i]
        elseif limiter[i] + span > now then
          kept[#kept + 1] = limiter[i]
          kept[#kept + 1] = limiter[i + 1]
        end
      end
    end
    after[1], after[2] = -span, most
    for i = math.max(1, #kept - 2 * (most - 1) + 1), #kept do after[#after + 1] = kept[i] end
    after[#after + 1] = now
    after[#after + 1] = tag
  elseif form == 'bucket' then
    after = limiter
    for _, rule in ipairs(limit.rules) do
      if rule.kind == 'bucket' then
        after = { math.max(now, limiter[1] or 0) + 1000 / rule.perSecond }
        break
      end
    end
  else -- tally
    local current = math.floor(now / slot_ms(limit.longestMs))
    for i = 1, #limiter, 2 do
      if limiter[i] >= current - tally_slots then
        after[#after + 1] = limiter[i]
        after[#after + 1] = limiter[i + 1]
      end
    end
    if #after > 0 and after[#after - 1] >= current then
      after[#after] = after[#after] + 1
    else
      after[#after + 1] = current
      after[#after + 1] = 1
    end
  end
  return after, before
end

-- When a limiter may be dropped, because it refuses nothing any more.
local function forgotten_at(limiter, limit)
  if limit.form == 'bucket' then return limiter[1] or 0 end
  if limit.form == 'tally' then
    return ((limiter[#limiter - 1] or 0) + tally_slots + 2) * slot_ms(limit.longestMs)
  end
  local last = limit.form == 'tags' and limiter[#limiter - 1] or nth_newest(limiter, 1)
  return math.max(0, last or 0) + math.max(limit.longestMs, horizon_ms(limiter))
end
