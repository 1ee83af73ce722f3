-- Removes consumers that have gone and own nothing.
--
-- KEYS: the stage's queue
-- ARGV: group, milliseconds after which one that asks for nothing has gone
-- Returns how many.
local removed = 0
for _, consumer in ipairs(call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local fact = {}
  for at = 1, #consumer, 2 do fact[consumer[at]] = consumer[at + 1] end
  if fact['pending'] == 0 and fact['idle'] > tonumber(ARGV[2]) then
    call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], fact['name'])
    removed = removed + 1
  end
end
return removed
