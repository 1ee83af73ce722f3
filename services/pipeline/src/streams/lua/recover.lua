-- What this consumer owns, without counting it as delivered again.
--
-- KEYS: the stage's queue, how often entries of it were taken over
-- ARGV: group, consumer
-- Returns the entries, and how often entries were taken over until now.
local entries = {}
for _, pending in ipairs(call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000000, ARGV[2])) do
  local entry = call('XRANGE', KEYS[1], pending[1], pending[1])[1]
  if entry then entries[#entries + 1] = entry end
end
return {entries, claims_of(KEYS[2])}
