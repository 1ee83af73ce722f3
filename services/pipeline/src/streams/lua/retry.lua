-- Gives a dead letter back to the queue of its stage.
--
-- KEYS: the dead letters, the stage's queue, the run
-- ARGV: the letter, stage
-- Returns 1, or 0 where it is gone.
local letter = call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then return 0 end
local fact = {}
for at = 1, #letter[2], 2 do fact[letter[2][at]] = letter[2][at + 1] end
call('XDEL', KEYS[1], ARGV[1])
call('XADD', KEYS[2], '*', 'm', fact['m'], 'i', fact['i'])
if call('EXISTS', KEYS[3]) == 1 then call('HINCRBY', KEYS[3], ARGV[2] .. '.dead', -1) end
return 1
