-- What the scripts share; it stands before each of them. docs/queue.md says which
-- keys there are and what is in them.
--
-- KEYS: what the queue's keys begin with

local P = KEYS[1]

-- A job that was lost with so many workers is not tried again: it may be what
-- ends them.
local MOST_LOSSES = 20
-- Microseconds. No lease lasts longer: one that does is from before the clock
-- went back.
local LONGEST_LEASE = 600e6
local USUAL_RETENTION = 3600e6
local DEAD_RETENTION = 7 * 86400e6
-- What is due, lost or old is seen to in steps, so that no call takes long.
local STEP = 200
local EVENTS_AN_ENTRY, ENTRIES_KEPT = 64, 4096
-- Lua passes no more than some 8,000 words on.
local MOST_WORDS = 4000

-- Microseconds since 1970.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1e6 + tonumber(time[2])
end

local now = clock()

-- A number as digits: Lua itself would write large ones with an exponent.
local function digits(number) return string.format('%.0f', number) end

local now_digits = digits(now)

-- Calls a command with all of `words`, some of them at a time.
local function call_with(command, key, words)
  for first = 1, #words, MOST_WORDS do
    redis.call(command, key, unpack(words, first, math.min(first + MOST_WORDS - 1, #words)))
  end
end

-- At its memory limit Redis refuses a script whose first write may need memory.
-- What makes room, and what keeps jobs moving, begins with one that never does.
local function relieve() redis.call('DEL', P .. 'none') end

local counts = {}
local function count(what, by) counts[what] = (counts[what] or 0) + (by or 1) end

-- Three words an event, joined in the end: to join each by itself would cost a
-- string each.
local events, of_kind = {}, {}
local function note(letter, id, kind, more)
  local rest = of_kind[kind]
  if not rest then
    rest = ':' .. kind .. ','
    of_kind[kind] = rest
  end
  if more then rest = ':' .. kind .. ':' .. more .. ',' end
  local size = #events
  events[size + 1], events[size + 2], events[size + 3] = letter, id, rest
end

-- Jobs that ended, and by when each set will have forgotten them.
local retired = {o = {}, d = {}, x = {}}

-- Who waits is told, but no more of them than there are jobs.
local woken = {c = 0, i = 0}
local function wake(class, jobs)
  local waiting = tonumber(redis.call('GET', P .. 'wait' .. class) or 0)
  local tokens = math.min(waiting, jobs, 64)
  if tokens > 0 then
    redis.call('SET', P .. 'wait' .. class, waiting - tokens, 'PX', 2000)
    for _ = 1, tokens do redis.call('RPUSH', P .. 'wake' .. class, '1') end
    redis.call('PEXPIRE', P .. 'wake' .. class, 2000)
  end
end

-- Writes down what was counted and noted. Every script that changes jobs ends
-- with it.
local function finish()
  for what, by in pairs(counts) do
    if by ~= 0 then redis.call('HINCRBY', P .. 'c', what, by) end
  end
  for letter, words in pairs(retired) do call_with('ZADD', P .. letter, words) end
  local step = 3 * EVENTS_AN_ENTRY
  for first = 1, #events, step do
    local entry = table.concat(events, '', first, math.min(first + step - 1, #events))
    redis.call('XADD', P .. 'e', 'MAXLEN', '~', ENTRIES_KEPT, '*', 'e', entry)
  end
  for class, jobs in pairs(woken) do
    if jobs > 0 then wake(class, jobs) end
  end
end

-- The list of a job that is ready.
local function ready_list(class, priority) return P .. 'r' .. (class or 'c') .. priority end

-- `push` is RPUSH, or LPUSH for a job whose turn it was already.
local function make_ready(push, id, kind, class, priority)
  redis.call(push, ready_list(class, priority), id)
  count('r' .. priority)
  woken[class or 'c'] = woken[class or 'c'] + 1
  note('r', id, kind)
end

-- Final states: a job is kept for a time, and found by when that is over.
local kept_last, until_digits = nil, nil
local function retire(letter, id, kind, kept)
  if kept ~= kept_last then kept_last, until_digits = kept, digits(now + kept) end
  local words = retired[letter]
  local size = #words
  words[size + 1], words[size + 2] = until_digits, id
  note(letter, id, kind)
end

local function die(id, kind, reason, ...)
  redis.call('HSET', P .. id, 's', 'd', 'E', reason, 'n', now_digits, ...)
  count('died')
  retire('d', id, kind, DEAD_RETENTION)
end

-- A job that waits, and must not any more: off where it waits. In a list it is
-- left, which is known by its state when its turn comes.
local function unwait(state, id, priority)
  if state == 'r' then
    count('r' .. priority, -1)
  else
    redis.call('ZREM', P .. state, id)
    count(state, -1)
  end
end

local function expire(state, id, kind, priority)
  unwait(state, id, priority)
  if state == 'r' then
    die(id, kind, 'its time to live was over before a worker took it', 'S', '1')
  else
    die(id, kind, 'its time to live was over before a worker took it')
  end
end

local function forget(id)
  local key = redis.call('HGET', P .. id, 'k')
  if key then redis.call('DEL', P .. 'i:' .. key) end
  redis.call('DEL', P .. id)
end

local function due(set) return redis.call('ZRANGEBYSCORE', P .. set, '-inf', now_digits, 'LIMIT', 0, STEP) end

-- Sees to what is due by the clock. Whoever comes does it, so that it needs
-- nobody of its own.
local function tend()
  for _, id in ipairs(due('t')) do
    local job = redis.call('HMGET', P .. id, 's', 't', 'q')
    local state = job[1]
    if state == 's' or state == 'r' or state == 'f' then expire(state, id, job[2], job[3]) end
    redis.call('ZREM', P .. 't', id)
  end
  for _, state in ipairs({'s', 'f'}) do
    for _, id in ipairs(due(state)) do
      local job = redis.call('HMGET', P .. id, 't', 'y', 'q')
      unwait(state, id, job[3])
      redis.call('HSET', P .. id, 's', 'r', 'r', now_digits)
      make_ready('RPUSH', id, job[1], job[2], job[3])
    end
  end
  for _, id in ipairs(due('a')) do
    local job = redis.call('HMGET', P .. id, 't', 'y', 'q', 'l')
    local losses = tonumber(job[4] or 0) + 1
    redis.call('ZREM', P .. 'a', id)
    redis.call('HSET', P .. id, 'l', losses)
    count('a', -1)
    count('lost')
    if losses >= MOST_LOSSES then
      die(id, job[1], 'it was lost with its worker ' .. losses .. ' times')
    else
      redis.call('HSET', P .. id, 's', 'r')
      make_ready('LPUSH', id, job[1], job[2], job[3])
    end
  end
  local longest = redis.call('ZRANGE', P .. 'a', -1, -1, 'WITHSCORES')[2]
  if longest and tonumber(longest) > now + LONGEST_LEASE then
    local beyond = redis.call('ZRANGEBYSCORE', P .. 'a', '(' .. digits(now + LONGEST_LEASE), '+inf', 'LIMIT', 0, STEP)
    for _, id in ipairs(beyond) do redis.call('ZADD', P .. 'a', digits(now + LONGEST_LEASE), id) end
  end
  for _, state in ipairs({'o', 'x', 'd'}) do
    for _, id in ipairs(due(state)) do
      forget(id)
      redis.call('ZREM', P .. state, id)
      if state == 'd' then count('dropped') end
    end
  end
end

