-- Makes leases last on, and says how far the jobs are.
--
-- ARGV: microseconds of the lease; then for each: id, token, progress or ''
-- Returns for each 1, or 0 where the token is not current.
relieve()
local lease, answer = tonumber(ARGV[1]), {}
for at = 2, #ARGV, 3 do
  local id, progress = ARGV[at], ARGV[at + 2]
  local job = redis.call('HMGET', P .. id, 's', 'f', 't', 'g')
  if job[1] == 'a' and job[2] == ARGV[at + 1] then
    redis.call('ZADD', P .. 'a', digits(now + lease), id)
    if progress ~= '' and progress ~= job[4] then
      redis.call('HSET', P .. id, 'g', progress)
      note('p', id, job[3], progress)
    end
    answer[#answer + 1] = 1
  else
    count('refused')
    answer[#answer + 1] = 0
  end
end
tend()
finish()
return answer
