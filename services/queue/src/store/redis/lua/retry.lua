-- Gives dead jobs another chance, as if they had never been tried.
--
-- ARGV: ids; none: the first of all
-- Returns how many.
local ids, retried = ARGV, 0
if #ids == 0 then ids = redis.call('ZRANGE', P .. 'd', 0, STEP - 1) end
for _, id in ipairs(ids) do
  local job = redis.call('HMGET', P .. id, 's', 't', 'y', 'q', 'S')
  if job[1] == 'd' then
    redis.call('ZREM', P .. 'd', id)
    redis.call('ZREM', P .. 't', id)
    -- It died where it waited, and its place there is still taken.
    if job[5] then redis.call('LREM', ready_list(job[3], job[4]), 0, id) end
    redis.call('HDEL', P .. id, 'a', 'l', 'E', 'n', 'x', 'g', 'w', 'u', 'S')
    redis.call('HSET', P .. id, 's', 'r', 'r', now_digits)
    make_ready('RPUSH', id, job[2], job[3], job[4])
    count('retried')
    retried = retried + 1
  end
end
finish()
return retried
