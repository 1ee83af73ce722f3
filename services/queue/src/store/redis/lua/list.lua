-- Ids of jobs in one state, in the order in which something comes next: those
-- that wait by when it is their turn, those that have ended by when, last first.
--
-- ARGV: the state's letter, a type or '', how many jobs to pass over, the last job
--   of the page before or '', the most jobs, the most to look at
-- Returns how many to pass over next time (-1: there are no more), and the ids.
local letter, kind = ARGV[1], ARGV[2]
local skip, most, looks = tonumber(ARGV[3]), tonumber(ARGV[5]), tonumber(ARGV[6])
local is_final = letter == 'o' or letter == 'd' or letter == 'x'
local answer = {-1}

-- Where to go on in a set: behind the job that was last, wherever that is now.
if letter ~= 'r' and ARGV[4] ~= '' then
  local rank = redis.call(is_final and 'ZREVRANK' or 'ZRANK', P .. letter, ARGV[4])
  if rank then skip = rank + 1 end
end

local function of_lists()
  local found, before = {}, 0
  for priority = 9, 0, -1 do
    for _, class in ipairs({'c', 'i'}) do
      local list = ready_list(class, priority)
      local length = redis.call('LLEN', list)
      local first = math.max(skip - before, 0)
      if first < length and #found < looks then
        for _, id in ipairs(redis.call('LRANGE', list, first, first + looks - #found - 1)) do
          found[#found + 1] = id
        end
      end
      before = before + length
    end
  end
  return found
end

local function of_set()
  local command = is_final and 'ZREVRANGE' or 'ZRANGE'
  return redis.call(command, P .. letter, skip, skip + looks - 1)
end

local found = letter == 'r' and of_lists() or of_set()
local looked = 0
for _, id in ipairs(found) do
  if #answer > most then break end
  looked = looked + 1
  local job = redis.call('HMGET', P .. id, 's', 't')
  if job[1] == letter and (kind == '' or job[2] == kind) then answer[#answer + 1] = id end
end
if looked < #found or #found == looks then answer[1] = skip + looked end
return answer
