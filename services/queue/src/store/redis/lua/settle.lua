-- What came of jobs, from workers whose tokens are still current.
--
-- ARGV: for each: id, token, what ('o' done, 'f' the try failed, 'h' no try can
--   help, 'b' given back), its result or error, and a number from 0 to 1: how much
--   of the jitter to take
-- Returns for each the letter of the state it is in now; small letters where that
--   was this step's doing, '!' and the letter where the token was not current
--   ('!' alone: the job is forgotten)
local answer, ended = {}, {}

relieve()

local function failed(id, kind, error, jitter)
  local job = redis.call('HMGET', P .. id, 'm', 'a', 'b', 'B', 'y', 'q')
  local tries = tonumber(job[2] or 0) + 1
  count('failed_tries')
  redis.call('HSET', P .. id, 'a', tries, 'E', error)
  if tries >= tonumber(job[1]) then
    die(id, kind, error)
    return 'd'
  end
  local first, most = tonumber(job[3] or 1e6), tonumber(job[4] or 60e6)
  local wait = math.min(first * 2 ^ math.min(tries - 1, 31), most)
  wait = math.floor(wait * (1 - jitter / 2))
  if wait < 1 then
    redis.call('HSET', P .. id, 's', 'r', 'r', now_digits)
    make_ready('RPUSH', id, kind, job[5], job[6])
    return 'r'
  end
  redis.call('HSET', P .. id, 's', 'f')
  redis.call('ZADD', P .. 'f', digits(now + wait), id)
  count('f')
  note('f', id, kind)
  return 'f'
end

for at = 1, #ARGV, 5 do
  local id, what, text = ARGV[at], ARGV[at + 2], ARGV[at + 3]
  local job = redis.call('HMGET', P .. id, 's', 'f', 't', 'z', 'e')
  local state
  if job[1] ~= 'a' or job[2] ~= ARGV[at + 1] then
    count('refused')
    state = '!' .. (job[1] or '')
  else
    ended[#ended + 1] = id
    count('a', -1)
    if what == 'o' then
      redis.call('HSET', P .. id, 's', 'o', 'n', now_digits, 'v', text)
      if job[5] then redis.call('HINCRBY', P .. 'effects:' .. job[5], id, 1) end
      count('succeeded')
      retire('o', id, job[3], tonumber(job[4] or USUAL_RETENTION))
      state = 'o'
    elseif what == 'f' then
      state = failed(id, job[3], text, tonumber(ARGV[at + 4]))
    elseif what == 'h' then
      count('failed_tries')
      redis.call('HINCRBY', P .. id, 'a', 1)
      die(id, job[3], text)
      state = 'd'
    else
      local line = redis.call('HMGET', P .. id, 'y', 'q')
      redis.call('HSET', P .. id, 's', 'r')
      make_ready('LPUSH', id, job[3], line[1], line[2])
      state = 'r'
    end
  end
  answer[#answer + 1] = state
end
call_with('ZREM', P .. 'a', ended)
finish()
return answer
