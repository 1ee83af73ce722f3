-- A worker says that it is there, and what it does.
--
-- ARGV: its name, and that as words; no words: it leaves
local FORGOTTEN_AFTER = 60e6

relieve()
if ARGV[2] == '' then
  redis.call('HDEL', P .. 'w', ARGV[1])
else
  redis.call('HSET', P .. 'w', ARGV[1], now_digits .. ' ' .. ARGV[2])
end
local workers = redis.call('HGETALL', P .. 'w')
for index = 1, #workers, 2 do
  local seen = tonumber(string.match(workers[index + 1], '^%d+'))
  if seen < now - FORGOTTEN_AFTER then redis.call('HDEL', P .. 'w', workers[index]) end
end
tend()
finish()
return 1
