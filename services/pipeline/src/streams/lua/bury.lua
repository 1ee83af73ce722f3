-- Moves an item to the dead letters, if it is still this consumer's.
--
-- KEYS: the stage's queue, the dead letters, the run, and who waits for room in
--   the queue (a count, a list of tokens)
-- ARGV: group, consumer, entry, stage, the run's id, tries, error, the item's two
--   fields, items at which the queue has room again
-- Returns 1, or 0 where it is another's.
local queue, group, consumer, entry = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if not owned_by(queue, group, consumer, entry, entry)[entry] then return 0 end
-- First, as in a move: Redis allows it at its memory limit too.
take_off(queue, group, consumer, {entry})
call('XADD', KEYS[2], '*', 'stage', ARGV[4], 'run', ARGV[5], 'tries', ARGV[6],
  'error', ARGV[7], 'm', ARGV[8], 'i', ARGV[9])
call('HINCRBY', KEYS[3], ARGV[4] .. '.dead', 1)
make_room(queue, KEYS[4], KEYS[5], ARGV[10])
return 1
