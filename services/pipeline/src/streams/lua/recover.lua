-- What this consumer owns, without counting it as delivered again.
--
-- KEYS: the stage's queue
-- ARGV: group, consumer
local entries = {}
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000000, ARGV[2])) do
  local entry = redis.call('XRANGE', KEYS[1], pending[1], pending[1])[1]
  if entry then entries[#entries + 1] = entry end
end
return entries
