-- What the queue holds and has done, all of one moment.
--
-- Returns the counts (names and numbers), how many succeeded, dead and cancelled
--   jobs there are, microseconds for which the longest waiting job is ready (-1:
--   none is), this moment, and what workers said last (names and words).
local oldest = -1
for priority = 9, 0, -1 do
  for _, class in ipairs({'c', 'i'}) do
    local list = ready_list(class, priority)
    for _ = 1, STEP do
      local id = redis.call('LINDEX', list, 0)
      if not id then break end
      local job = redis.call('HMGET', P .. id, 's', 'c', 'r')
      if job[1] == 'r' then
        oldest = math.max(oldest, now - tonumber(job[3] or job[2]), 0)
        break
      end
      -- Cancelled or dead meanwhile; nobody came for it.
      redis.call('LPOP', list)
      redis.call('HDEL', P .. id, 'S')
    end
  end
end
return {redis.call('HGETALL', P .. 'c'), redis.call('ZCARD', P .. 'o'), redis.call('ZCARD', P .. 'd'),
  redis.call('ZCARD', P .. 'x'), oldest, now, redis.call('HGETALL', P .. 'w')}
