-- Cancels a job. A worker that has it holds a token of nothing then.
--
-- ARGV: id
-- Returns the letter of the state it was in; '!' before a final one; '' for no job.
local id = ARGV[1]
relieve()
local job = redis.call('HMGET', P .. id, 's', 't', 'q', 'z')
local state = job[1]
if not state then return '' end
if state == 'o' or state == 'd' or state == 'x' then return '!' .. state end
if state == 'a' then
  redis.call('ZREM', P .. 'a', id)
  count('a', -1)
else
  unwait(state, id, job[3])
end
redis.call('HSET', P .. id, 's', 'x', 'n', now_digits)
count('cancelled')
retire('x', id, job[2], tonumber(job[4] or USUAL_RETENTION))
finish()
return state
