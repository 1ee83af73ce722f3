-- Accepts jobs, in groups: all of a group or none.
--
-- ARGV: how many jobs may wait; then each group: how many jobs, and each of them:
--   its class (c or i; anything else is why its type is none), when it is due
--   ('', '+' and microseconds from now, or '@' and since 1970), its time to live in
--   microseconds or '', its idempotency key or '', how many words its fields are,
--   and these: t, its type, p, its payload, q, its priority, and so on
-- Returns for each group: 'ok' and each job's id, state and whether it was there
--   already; or 'full' and how many wait; or 'key', which job (from 0), and the
--   job that has its key
local HEAD = 5

local waiting = 0
local counted = redis.call('HMGET', P .. 'c', 's', 'f', 'r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9')
for index = 1, 12 do waiting = waiting + tonumber(counted[index] or 0) end
local last = tonumber(redis.call('GET', P .. 'n') or 0)
local pushed = {}

-- The job that has this key, unless it has been forgotten.
local function holder(key)
  local id = redis.call('GET', P .. 'i:' .. key)
  if not id then return nil end
  local job = redis.call('HMGET', P .. id, 't', 'p', 's')
  if job[3] then return id, job[1], job[2], job[3] end
end

-- The first job of a group whose key another job has, and that job.
local function clash(at, jobs)
  local own = {}
  for index = 0, jobs - 1 do
    local key, kind, payload = ARGV[at + 3], ARGV[at + HEAD + 1], ARGV[at + HEAD + 3]
    if key ~= '' then
      local id, its_kind, its_payload = holder(key)
      if not id and own[key] then id, its_kind, its_payload = '0', own[key][1], own[key][2] end
      if id and (its_kind ~= kind or its_payload ~= payload) then return index, id end
      own[key] = {kind, payload}
    end
    at = at + HEAD + tonumber(ARGV[at + 4])
  end
end

local function due_at(start)
  local sign, micros = string.sub(start, 1, 1), tonumber(string.sub(start, 2))
  if sign == '+' then return now + micros end
  if sign == '@' then return micros end
  return now
end

local function accept(at)
  local class, ttl, key, words = ARGV[at], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  local kind, priority = ARGV[at + HEAD + 1], ARGV[at + HEAD + 5]
  if key ~= '' then
    local id, _, _, state = holder(key)
    if id then return id, state, '1' end
  end
  last = math.max(last + 1, now)
  local id = digits(last)
  local due = due_at(ARGV[at + 1])
  local is_known = class == 'c' or class == 'i'
  local state = 'r'
  if not is_known then state = 'd' elseif due > now then state = 's' end
  redis.call('HSET', P .. id, 's', state, 'c', now_digits, unpack(ARGV, at + HEAD, at + HEAD + words - 1))
  if key ~= '' then redis.call('SET', P .. 'i:' .. key, id) end
  count('submitted')
  if not is_known then
    die(id, kind, class)
  else
    if ttl ~= '' then
      local over = digits(now + tonumber(ttl))
      redis.call('HSET', P .. id, 'x', over)
      redis.call('ZADD', P .. 't', over, id)
    end
    waiting = waiting + 1
    if state == 's' then
      redis.call('ZADD', P .. 's', digits(due), id)
      count('s')
      note('s', id, kind)
    else
      local list = ready_list(class, priority)
      if not pushed[list] then pushed[list] = {} end
      local ids = pushed[list]
      ids[#ids + 1] = id
      count('r' .. priority)
      woken[class] = woken[class] + 1
      note('r', id, kind)
    end
  end
  return id, state, '0'
end

local limit, at, answers = tonumber(ARGV[1]), 2, {}
while ARGV[at] do
  local jobs = tonumber(ARGV[at])
  at = at + 1
  local answer
  if waiting + jobs > limit then
    answer = {'full', digits(waiting)}
  else
    local index, id = clash(at, jobs)
    if index then answer = {'key', tostring(index), id} end
  end
  local accepted = not answer and {'ok'}
  for _ = 1, jobs do
    if accepted then
      local id, state, existing = accept(at)
      local size = #accepted
      accepted[size + 1], accepted[size + 2], accepted[size + 3] = id, state, existing
    end
    at = at + HEAD + tonumber(ARGV[at + 4])
  end
  answers[#answers + 1] = answer or accepted
end
redis.call('SET', P .. 'n', digits(last))
for list, ids in pairs(pushed) do call_with('RPUSH', list, ids) end
finish()
return answers
