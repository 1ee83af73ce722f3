-- Gives ready jobs to a worker, on a lease.
--
-- ARGV: the worker, microseconds of the lease, the most CPU jobs, the most I/O
--   jobs, microseconds of being ready that count as one priority
-- Returns microseconds until something is due (-1: nothing is), this moment, and
--   each job's id, token, type, payload, priority, tries that failed, time-out
--   ('' for none), since when it is ready, and when it was accepted
local worker, lease, ageing = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[5])
local CHUNK = 32

relieve()
tend()

local lease_end = digits(now + lease)
local token, answer, leases = nil, {-1, now}, {}

local function next_token(want)
  if not token then token = redis.call('INCRBY', P .. 'k', want) - want end
  token = token + 1
  return digits(token)
end

-- Looks at the next job of a list that may be taken; false when there is none.
local function advance(list)
  while true do
    local id = list.ids[list.at]
    if not id then
      if list.passed > 0 and #list.ids < CHUNK then return false end
      list.ids = redis.call('LRANGE', list.key, list.passed, list.passed + CHUNK - 1)
      list.at = 1
      id = list.ids[1]
      if not id then return false end
    end
    local job = redis.call('HMGET', P .. id, 's', 't', 'p', 'c', 'r', 'a', 'o', 'x')
    if job[1] == 'r' then
      if job[8] and tonumber(job[8]) <= now then
        expire('r', id, job[2], list.priority)
        redis.call('HDEL', P .. id, 'S')
      else
        local since = tonumber(job[5] or job[4])
        list.id, list.job, list.since = id, job, since
        list.score = since - list.priority * ageing
        return true
      end
    end
    list.at, list.passed = list.at + 1, list.passed + 1
  end
end

local function give(list, want)
  local id, job = list.id, list.job
  local token = next_token(want)
  redis.call('HSET', P .. id, 's', 'a', 'f', token, 'w', worker, 'u', now_digits)
  if job[8] then
    -- A worker has taken it in time; whatever becomes of that.
    redis.call('HDEL', P .. id, 'x')
    redis.call('ZREM', P .. 't', id)
  end
  leases[#leases + 1] = lease_end
  leases[#leases + 1] = id
  count('r' .. list.priority, -1)
  note('a', id, job[2])
  for _, word in ipairs({id, token, job[2], job[3], tostring(list.priority), job[6] or '0', job[7] or '',
    job[5] or job[4], job[4]}) do
    answer[#answer + 1] = word
  end
end

local ready = redis.call('HMGET', P .. 'c', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9')
ready[0] = redis.call('HGET', P .. 'c', 'r0')
for priority = 0, 9 do ready[priority] = tonumber(ready[priority] or 0) + (counts['r' .. priority] or 0) end

-- Of the jobs at the heads of the lists always the one that is ready since
-- earliest, where each priority counts for `ageing`.
local function take(class, want)
  if want <= 0 then return end
  local lists, heads = {}, {}
  for priority = 9, 0, -1 do
    if ready[priority] > 0 then
      local list = {key = ready_list(class, priority), priority = priority, ids = {}, at = 1, passed = 0}
      if advance(list) then heads[#heads + 1] = list end
      lists[#lists + 1] = list
    end
  end
  while want > 0 and #heads > 0 do
    local best, index = heads[1], 1
    for other = 2, #heads do
      if heads[other].score < best.score then best, index = heads[other], other end
    end
    give(best, want)
    want = want - 1
    best.at, best.passed = best.at + 1, best.passed + 1
    if want > 0 and not advance(best) then table.remove(heads, index) end
  end
  for _, list in ipairs(lists) do
    if list.passed > 0 then redis.call('LTRIM', list.key, list.passed, -1) end
  end
end

local wanted = {c = tonumber(ARGV[3]), i = tonumber(ARGV[4])}
for _, class in ipairs({'c', 'i'}) do
  local before = #leases
  token = nil
  take(class, wanted[class])
  woken[class] = math.max(woken[class] - (#leases - before) / 2, 0)
end

call_with('ZADD', P .. 'a', leases)
count('a', #leases / 2)
finish()
if #leases == 0 then
  -- In the same step, or a job that comes now would wake nobody.
  for class, want in pairs(wanted) do
    if want > 0 then
      redis.call('INCR', P .. 'wait' .. class)
      redis.call('PEXPIRE', P .. 'wait' .. class, 2000)
    end
  end
  for _, state in ipairs({'s', 'f'}) do
    local first = redis.call('ZRANGE', P .. state, 0, 0, 'WITHSCORES')[2]
    if first then
      local left = math.max(tonumber(first) - now, 0)
      if answer[1] < 0 or left < answer[1] then answer[1] = left end
    end
  end
end
return answer
